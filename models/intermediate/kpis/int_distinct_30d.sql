-- A running sum over visits that begin (+1) and end (-1) is an exact distinct
-- count: at any day a buyer has one visit at most.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_as_of',
            'touched_key': ['mall_id', 'as_of_date'],
        },
    )
}}

with

spine as (

    select
        *,
        true as is_as_of_date
    from {{ only_touched(
        ref('int_kpi_spine'), by='int_touched_as_of',
        key=['mall_id', 'as_of_date']
    ) }}

),

visits as (

    select * from {{ only_touched(
        ref('int_distinct_visits'), by='int_touched_30d_days',
        key={'mall_id': 'mall_id', 'seen_on': 'service_date'}
    ) }}

),

changes as (

    select
        *,
        seen_on as as_of_date,
        1 as change
    from visits
    union all
    select
        *,
        leaves_on as as_of_date,
        -1 as change
    from visits

),

daily_changes as (

    select
        scope,
        mall_id,
        cs_uid,
        as_of_date,
        sum(change) filter (measure = 'consult_buyers') as consult_buyers,
        sum(change) filter (measure = 'intervention_orders')
            as intervention_orders
    from changes
    group by scope, mall_id, cs_uid, as_of_date

),

days as (

    select
        scope,
        mall_id,
        cs_uid,
        as_of_date,
        is_as_of_date
    from spine
    union all by name
    select * from daily_changes

),

summed as (

    select
        scope,
        mall_id,
        cs_uid,
        as_of_date,
        is_as_of_date,
        cast(coalesce(sum(consult_buyers) over running, 0) as bigint)
            as distinct_consult_buyers_30d,
        cast(coalesce(sum(intervention_orders) over running, 0) as bigint)
            as distinct_intervention_orders_30d
    from days
    window running as (
        partition by scope, mall_id, cs_uid
        order by as_of_date
        range unbounded preceding
    )

),

final as (

    select * exclude (is_as_of_date)
    from summed
    where is_as_of_date

)

select * from final
