{# The daily parts of one scope up to the as-of end, which comes along: the days
   that a published daily table shows. #}
{% macro complete_days(scope) -%}
    select
        kpi_daily.*,
        as_of_end.as_of_end
    from {{ only_touched(
        ref('int_kpi_daily'), by='int_touched_published_days',
        key=['mall_id', 'service_date']
    ) }} as kpi_daily
    inner join {{ ref('int_as_of_end') }} as as_of_end
        on kpi_daily.service_date <= as_of_end.as_of_end
    where
        kpi_daily.scope = '{{ scope }}'
        and kpi_daily.is_event
{%- endmacro %}
