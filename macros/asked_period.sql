{# The period that an analysis is asked about: the vars date_from and date_to,
   else the given days before the newest as-of date, and that date. #}
{% macro asked_period(days_before) -%}
    {%- set date_from = var('date_from', none) -%}
    {%- set date_to = var('date_to', none) -%}
    select
        coalesce(
            {{ 'null' if date_to is none else "'" ~ date_to ~ "'" }}::date,
            max(as_of_date)
        ) as date_to,
        coalesce(
            {{ 'null' if date_from is none else "'" ~ date_from ~ "'" }}::date,
            date_to - {{ days_before }}
        ) as date_from
    from {{ ref('mall_kpi_30d') }}
{%- endmacro %}
