-- Each of the three steps is one ASOF join to the buyer's last agent message
-- strictly before a moment, and counts only inside the window of days. The
-- moment is cut to the end of the confirm date, so that the last message of
-- the window is found even when a landed time lies after it.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_attributions',
            'touched_key': ['order_sn', 'confirm_date'],
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
        ref('int_orders_classified'), by='int_touched_attributions',
        key=['order_sn', 'confirm_date']
    ) }}
    where is_grouped and is_paid and buyer_uid is not null

),

-- Days from which these orders may be attributed.
consult_days as (

    select
        mall_id,
        buyer_uid,
        confirm_date
        - cast(unnest(range({{ var('conversion_window_days') }})) as integer)
            as service_date
    from orders

),

agent_messages as (

    -- Of agent messages at the same moment the last one stands for all.
    select
        messages.mall_id,
        messages.buyer_uid,
        messages.sent_at,
        arg_max(messages.cs_uid, messages.position_that_day) as cs_uid
    from {{ only_touched(
        ref('int_messages_assessed'), by='cte.consult_days',
        key=['mall_id', 'buyer_uid', 'service_date']
    ) }} as messages
    semi join consult_days
        on
            messages.mall_id = consult_days.mall_id
            and messages.buyer_uid = consult_days.buyer_uid
            and cast(messages.sent_at as date) = consult_days.service_date
    where messages.sender = 'agent'
    group by messages.mall_id, messages.buyer_uid, messages.sent_at

),

moments as (

    {% for step, moment in [
        ('before_order', 'least(created_at, window_end)'),
        ('before_payment', 'least(paid_at, window_end)'),
        ('before_group', 'confirmed_at'),
    ] %}
        select
            *,
            {{ loop.index }} as step,
            '{{ step }}' as attribution_step,
            {{ moment }} as moment
        from orders
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

candidates as (

    select
        moments.*,
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
        confirm_date,
        arg_min(cs_uid, step) as attributed_cs_uid,
        arg_min(consult_date, step) as attributed_consult_date,
        arg_min(attribution_step, step) as attribution_step
    from candidates
    where consult_date >= window_start
    group by order_sn, mall_id, buyer_uid, confirm_date

)

select * from final
