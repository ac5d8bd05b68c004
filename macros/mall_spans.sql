{# First and last day of each mall: its first day in mall_kpi_daily, and the
   newest as-of date, which is the as-of end. #}
{% macro mall_spans() -%}
    select
        mall_id,
        min(as_of_date) as first_day,
        max(max(as_of_date)) over () as last_day
    from {{ ref('mall_kpi_30d') }}
    group by mall_id
{%- endmacro %}
