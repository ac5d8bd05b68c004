-- Each of the three steps is one ASOF join to the buyer's last agent message
-- strictly before a moment, and counts only inside the window of days. The
-- moment is cut to the end of the confirm date, so that the last message of
-- the window is found even when a landed time lies after it.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_buyers',
            'touched_key': ['mall_id', 'buyer_uid'],
            'changes': {
                'order_sn': 'varchar',
                'mall_id': 'varchar',
                'attributed_consult_date': 'date',
            },
        },
    )
}}

with

orders as (

    select
        *,
        cast(confirm_date + 1 as timestamp) as window_end,
        confirm_date - ({{ var('conversion_window_days') }} - 1) as window_start
    from {{ only_touched(
        ref('int_orders_classified'), by='int_touched_buyers',
        key=['mall_id', 'buyer_uid']
    ) }}
    where is_grouped and is_paid and buyer_uid is not null

),

agent_messages as (

    -- Of agent messages at the same moment the last one stands for all.
    select
        mall_id,
        buyer_uid,
        sent_at,
        arg_max(cs_uid, position_that_day) as cs_uid
    from {{ only_touched(
        ref('int_messages_assessed'), by='int_touched_buyers',
        key=['mall_id', 'buyer_uid']
    ) }}
    where sender = 'agent'
    group by mall_id, buyer_uid, sent_at

),

moments as (

    select
        *,
        1 as step,
        'before_order' as attribution_step,
        least(created_at, window_end) as moment
    from orders
    union all
    select
        *,
        2 as step,
        'before_payment' as attribution_step,
        least(paid_at, window_end) as moment
    from orders
    union all
    select
        *,
        3 as step,
        'before_group' as attribution_step,
        confirmed_at as moment
    from orders

),

candidates as (

    select
        moments.order_sn,
        moments.mall_id,
        moments.buyer_uid,
        moments.step,
        moments.attribution_step,
        moments.window_start,
        agent_messages.cs_uid,
        cast(agent_messages.sent_at as date) as consult_date
    from moments
    asof inner join agent_messages
        on
            moments.mall_id = agent_messages.mall_id
            and moments.buyer_uid = agent_messages.buyer_uid
            and moments.moment > agent_messages.sent_at

),

final as (

    select
        order_sn,
        mall_id,
        buyer_uid,
        arg_min(cs_uid, step) as attributed_cs_uid,
        arg_min(consult_date, step) as attributed_consult_date,
        arg_min(attribution_step, step) as attribution_step
    from candidates
    where consult_date >= window_start
    group by order_sn, mall_id, buyer_uid

)

select * from final
