-- Sums of the daily parts over 30 days; quantiles and distinct counts, which
-- do not add up, come from the rows themselves.
{%- set touched = {'by': 'int_touched_as_of', 'key': ['mall_id', 'as_of_date']} %}
{{ config(
    materialized='incremental',
    meta={'touched_by': touched.by, 'touched_key': touched.key},
) }}

with

spine as (

    select * from {{ only_touched(ref('int_kpi_spine'), **touched) }}

),

kpi_daily as (

    select * exclude (shift_name, is_event, median_response_ms, p90_response_ms)
    from {{ only_touched(
        ref('int_kpi_daily'), by='int_touched_30d_days',
        key=['mall_id', 'service_date']
    ) }}
    where scope in ('mall', 'agent')

),

response_quantiles as (

    select * from {{ only_touched(ref('int_response_quantiles_30d'), **touched) }}

),

distinct_counts as (

    select * from {{ only_touched(ref('int_distinct_30d'), **touched) }}

),

days as (

    -- A day before the first row can hold parts too (a refund request without
    -- any other event): summed, but no row of its own.
    select * from spine
    union all by name
    select
        service_date as as_of_date,
        * exclude (service_date)
    from kpi_daily

),

summed as (

    select
        scope,
        mall_id,
        cs_uid,
        as_of_date,
        days_observed,
        coalesce(max(max_concurrent_buyers) over thirty_days, 0)
            as max_concurrent_buyers,
        cast(
            coalesce(sum(columns('_amount$')) over thirty_days, 0)
            as decimal(18, 2)
        ),
        cast(
            coalesce(
                sum(
                    columns(
                        * exclude (
                            scope, mall_id, cs_uid, as_of_date, days_observed,
                            max_concurrent_buyers, sales_amount,
                            net_sales_amount, paid_grouped_amount,
                            attributed_grouped_amount
                        )
                    )
                ) over thirty_days,
                0
            ) as bigint
        )
    from days
    window
        thirty_days as (
            partition by scope, mall_id, cs_uid
            order by as_of_date
            range between interval 29 days preceding and current row
        )
    qualify days_observed is not null

),

final as (

    select
        summed.* exclude (platform_intervention_orders),
        response_quantiles.median_response_ms,
        response_quantiles.p90_response_ms,
        distinct_counts.distinct_consult_buyers_30d,
        distinct_counts.distinct_intervention_orders_30d
            as platform_intervention_orders
    from summed
    left join response_quantiles
        on
            summed.scope = response_quantiles.scope
            and summed.mall_id = response_quantiles.mall_id
            and summed.cs_uid is not distinct from response_quantiles.cs_uid
            and summed.as_of_date = response_quantiles.as_of_date
    left join distinct_counts
        on
            summed.scope = distinct_counts.scope
            and summed.mall_id = distinct_counts.mall_id
            and summed.cs_uid is not distinct from distinct_counts.cs_uid
            and summed.as_of_date = distinct_counts.as_of_date

)

select * from final
