-- Which agents met their targets?
-- How to read: one row for each agent, day and metric that has a target and a
-- figure; target_status is excellent, met or missed. For other KPI tables
-- replace the table and, for malls, the scope.
-- How to run: kefu dbt show -s kpis_against_targets --limit 20
with

kpi_values as (

    select
        mall_id,
        cs_uid,
        service_date,
        cast(
            columns(
                * exclude (
                    mall_id, cs_uid, service_date, is_conversion_final,
                    is_response_final
                )
            ) as double
        )
    from {{ ref('agent_kpi_daily') }}

),

kpis as (

    unpivot kpi_values
    on columns(* exclude (mall_id, cs_uid, service_date))
    into name metric value metric_value

),

targets as (

    select
        *,
        case when is_higher_better then 1 else -1 end as direction
    from {{ ref('dim_kpi_targets') }}
    where scope = 'agent'

),

final as (

    select
        kpis.mall_id,
        kpis.cs_uid,
        kpis.service_date,
        kpis.metric,
        kpis.metric_value,
        targets.target,
        targets.excellent,
        {{ target_status(
            'kpis.metric_value', 'targets.target', 'targets.excellent',
            'targets.direction'
        ) }} as target_status
    from kpis
    inner join targets
        on kpis.metric = targets.metric

)

select * from final
