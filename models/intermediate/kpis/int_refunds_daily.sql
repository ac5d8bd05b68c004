-- Refunded orders by the day of their refund, interventions by the day of the
-- request, first responses by the day of the request.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_days',
            'touched_key': ['mall_id', 'service_date'],
        },
    )
}}

with

refunded_orders as (

    select * from {{ only_touched(
        ref('int_refunded_orders'), by='int_touched_days',
        key={'mall_id': 'mall_id', 'refund_date': 'service_date'}
    ) }}

),

attributions as (

    select * from {{ only_touched(
        ref('int_order_attributions'), by='cte.refunded_orders',
        key=['mall_id', 'order_sn']
    ) }}

),

attributed as (

    select
        refunded_orders.*,
        attributions.attributed_cs_uid as cs_uid
    from refunded_orders
    left join attributions
        on
            refunded_orders.mall_id = attributions.mall_id
            and refunded_orders.order_sn = attributions.order_sn

),

mall_refunds as (

    select
        'mall' as scope,
        mall_id,
        cast(null as varchar) as cs_uid,
        refund_date as service_date,
        count(*) as refunded_orders,
        count(*) filter (is_dispute) as dispute_refund_orders,
        count(*) filter (is_quality) as quality_refund_orders,
        sum(refund_ms) as refund_ms,
        count(*) filter (not is_platform_intervention)
            as autonomous_refunded_orders,
        sum(refund_ms) filter (not is_platform_intervention)
            as autonomous_refund_ms
    from attributed
    group by mall_id, refund_date

),

agent_disputes as (

    select
        'agent' as scope,
        mall_id,
        cs_uid,
        refund_date as service_date,
        count(*) as dispute_refund_orders
    from attributed
    where is_dispute and cs_uid is not null
    group by mall_id, cs_uid, refund_date

),

interventions as (

    select
        'mall' as scope,
        mall_id,
        created_date as service_date,
        count(distinct order_sn) as platform_intervention_orders
    from {{ only_touched(
        ref('int_refund_requests'), by='int_touched_days',
        key={'mall_id': 'mall_id', 'created_date': 'service_date'}
    ) }}
    where is_platform_intervention and order_sn is not null
    group by mall_id, created_date

),

final as (

    select * from mall_refunds
    union all by name
    select * from agent_disputes
    union all by name
    select * from interventions

)

select * from final
