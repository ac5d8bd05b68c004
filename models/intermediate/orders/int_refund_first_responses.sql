{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_first_responses',
            'touched_key': ['refund_id', 'created_date'],
            'changes': {
                'refund_id': 'varchar',
                'mall_id': 'varchar',
                'created_date': 'date',
            },
        },
    )
}}

with

refund_requests as (

    select
        refund_id,
        mall_id,
        buyer_uid,
        created_at,
        created_date
    from {{ only_touched(
        ref('int_refund_requests'), by='int_touched_first_responses',
        key=['refund_id', 'created_date']
    ) }}
    where buyer_uid is not null

),

-- 72 hours end on the third day after.
response_days as (

    select
        mall_id,
        buyer_uid,
        created_date + cast(unnest(range(4)) as integer) as service_date
    from refund_requests

),

agent_messages as (

    -- Of agent messages at the same moment the first one is the response.
    select
        messages.mall_id,
        messages.buyer_uid,
        messages.sent_at,
        arg_min(messages.cs_uid, messages.position_that_day) as cs_uid
    from {{ only_touched(
        ref('int_messages_assessed'), by='cte.response_days',
        key=['mall_id', 'buyer_uid', 'service_date']
    ) }} as messages
    semi join response_days
        on
            messages.mall_id = response_days.mall_id
            and messages.buyer_uid = response_days.buyer_uid
            and cast(messages.sent_at as date) = response_days.service_date
    where messages.sender = 'agent'
    group by messages.mall_id, messages.buyer_uid, messages.sent_at

),

final as (

    select
        refund_requests.refund_id,
        refund_requests.mall_id,
        refund_requests.buyer_uid,
        refund_requests.created_date,
        agent_messages.cs_uid,
        epoch_ms(agent_messages.sent_at) - epoch_ms(refund_requests.created_at)
            as first_response_ms
    from refund_requests
    asof inner join agent_messages
        on
            refund_requests.mall_id = agent_messages.mall_id
            and refund_requests.buyer_uid = agent_messages.buyer_uid
            and refund_requests.created_at <= agent_messages.sent_at
    where
        agent_messages.sent_at
        <= refund_requests.created_at + interval 72 hours

)

select * from final
