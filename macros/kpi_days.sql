{# The daily rows of malls and agents under one roof, with the scope `mall` or
   `agent`. A first response to a refund request may fall on a day of which the
   daily tables have no row (a mean is no event), so it is taken from the
   requests themselves. #}
{% macro kpi_days() -%}
    select
        'mall' as scope,
        cast(null as varchar) as cs_uid,
        * exclude (
            after_sales_first_responses, after_sales_first_response_seconds
        )
    from {{ ref('mall_kpi_daily') }}
    union all by name
    select
        'agent' as scope,
        * exclude (
            after_sales_first_responses, after_sales_first_response_seconds
        )
    from {{ ref('agent_kpi_daily') }}
    union all by name
    select
        case when grouping(first_response_cs_uid) = 1 then 'mall' else 'agent' end
            as scope,
        mall_id,
        first_response_cs_uid as cs_uid,
        created_at::date as service_date,
        count(*) as after_sales_first_responses,
        avg(after_sales_first_response_seconds)
            as after_sales_first_response_seconds
    from {{ ref('fct_refunds') }}
    where after_sales_first_response_seconds is not null
    group by mall_id, service_date, rollup (first_response_cs_uid)
{%- endmacro %}
