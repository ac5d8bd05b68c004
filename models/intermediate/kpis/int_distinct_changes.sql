-- A thing seen on day d counts in the 30 days to each of d .. d+29. It enters
-- (+1) when no earlier day still holds it, and leaves (-1) on d+30 unless it
-- was seen again by then: a running sum of these is an exact distinct count.
with

buyer_days as (

    select * from {{ ref('int_response_buyer_days') }}
    where scope = 'agent' or (scope = 'mall' and buyer_messages > 0)

),

interventions as (

    select * from {{ ref('int_refund_requests') }}
    where is_platform_intervention and order_sn is not null

),

seen as (

    select
        'consult_buyers' as measure,
        scope,
        mall_id,
        cs_uid,
        buyer_uid as member,
        service_date as seen_on
    from buyer_days

    union all

    select
        'intervention_orders' as measure,
        'mall' as scope,
        mall_id,
        cast(null as varchar) as cs_uid,
        order_sn as member,
        created_date as seen_on
    from interventions
    group by mall_id, order_sn, created_date

),

neighbours as (

    select
        *,
        lag(seen_on) over visits as previous_on,
        lead(seen_on) over visits as next_on
    from seen
    window visits as (
        partition by measure, scope, mall_id, cs_uid, member
        order by seen_on
    )

),

changes as (

    select
        measure,
        scope,
        mall_id,
        cs_uid,
        seen_on as change_date,
        1 as change
    from neighbours
    where coalesce(previous_on + 30 <= seen_on, true)

    union all

    select
        measure,
        scope,
        mall_id,
        cs_uid,
        seen_on + 30 as change_date,
        -1 as change
    from neighbours
    where coalesce(next_on >= seen_on + 30, true)

),

final as (

    select
        scope,
        mall_id,
        cs_uid,
        change_date,
        sum(change) filter (measure = 'consult_buyers')
            as consult_buyers_change,
        sum(change) filter (measure = 'intervention_orders')
            as intervention_orders_change
    from changes
    group by scope, mall_id, cs_uid, change_date

)

select * from final
