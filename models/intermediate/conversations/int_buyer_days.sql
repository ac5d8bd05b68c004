{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_conversations',
            'touched_key': ['mall_id', 'buyer_uid'],
        },
    )
}}

with

messages as (

    select * from {{ only_touched(
        ref('int_messages_sequenced'), by='int_touched_conversations',
        key=['mall_id', 'buyer_uid']
    ) }}

),

buyer_days as (

    select
        mall_id,
        buyer_uid,
        service_date,
        count(*) filter (sender = 'buyer') as buyer_messages,
        min(sent_at) filter (sender = 'buyer') as first_buyer_message_at,
        min(conversation_position) filter (sender = 'buyer')
            as first_buyer_position,
        max(conversation_position) filter (sender = 'buyer')
            as last_buyer_position,
        max(conversation_position) filter (sender = 'robot')
            as last_robot_position,
        max(conversation_position) filter (sender != 'buyer')
            as last_merchant_position,
        count(distinct agent_cs_uid) as agents_involved
    from messages
    group by mall_id, buyer_uid, service_date

),

final as (

    select
        mall_id,
        buyer_uid,
        service_date,
        first_buyer_message_at,
        agents_involved,
        coalesce(buyer_messages > 0, false) as is_consulted,
        coalesce(
            agents_involved = 0 and last_robot_position > last_buyer_position,
            false
        ) as is_robot_only,
        coalesce(last_merchant_position > first_buyer_position, false)
            as is_served_after_first_message
    from buyer_days

)

select * from final
