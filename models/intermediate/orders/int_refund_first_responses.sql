{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_buyers',
            'touched_key': ['mall_id', 'buyer_uid'],
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
        ref('int_refund_requests'), by='int_touched_buyers',
        key=['mall_id', 'buyer_uid']
    ) }}
    where buyer_uid is not null

),

agent_messages as (

    -- Of agent messages at the same moment the first one is the response.
    select
        mall_id,
        buyer_uid,
        sent_at,
        arg_min(cs_uid, position_that_day) as cs_uid
    from {{ only_touched(
        ref('int_messages_assessed'), by='int_touched_buyers',
        key=['mall_id', 'buyer_uid']
    ) }}
    where sender = 'agent'
    group by mall_id, buyer_uid, sent_at

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
