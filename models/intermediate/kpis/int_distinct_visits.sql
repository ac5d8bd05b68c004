-- A thing seen on day d counts in the 30 days to each of d .. d+29, and once
-- however often it is seen: each visit lasts until the next one, 30 days at most.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_members',
            'touched_key': ['measure', 'mall_id', 'member'],
            'changes': {'mall_id': 'varchar', 'seen_on': 'date'},
        },
    )
}}

with

buyer_days as (

    select * from {{ only_touched(
        ref('int_response_buyer_days'), by='int_touched_members',
        key={'mall_id': 'mall_id', 'buyer_uid': 'member'},
        listed={'measure': 'consult_buyers'}
    ) }}
    where scope = 'agent' or (scope = 'mall' and buyer_messages > 0)

),

interventions as (

    select * from {{ only_touched(
        ref('int_refund_requests'), by='int_touched_members',
        key={'mall_id': 'mall_id', 'order_sn': 'member'},
        listed={'measure': 'intervention_orders'}
    ) }}
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

followed as (

    select
        *,
        lead(seen_on) over (
            partition by measure, scope, mall_id, cs_uid, member
            order by seen_on
        ) as next_on
    from seen

),

final as (

    select
        measure,
        scope,
        mall_id,
        cs_uid,
        member,
        seen_on,
        case
            when next_on < seen_on + 30 then next_on else seen_on + 30
        end as leaves_on
    from followed

)

select * from final
