{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_buyer_days',
            'touched_key': ['mall_id', 'buyer_uid', 'service_date'],
        },
    )
}}

with

messages as (

    select * from {{ only_touched(
        ref('int_messages_sequenced'), by='int_touched_buyer_days',
        key=['mall_id', 'buyer_uid', 'service_date']
    ) }}

),

buyer_days as (

    select
        mall_id,
        buyer_uid,
        service_date,
        count(*) filter (sender = 'buyer') as buyer_messages,
        min(sent_at) filter (sender = 'buyer') as first_buyer_message_at,
        min(position_that_day) filter (sender = 'buyer')
            as first_buyer_position,
        max(position_that_day) filter (sender = 'buyer')
            as last_buyer_position,
        max(position_that_day) filter (sender = 'robot')
            as last_robot_position,
        max(position_that_day) filter (sender != 'buyer')
            as last_merchant_position,
        max(position_that_day) filter (sender = 'agent')
            as last_agent_position,
        max(position_that_day) filter (asks_for_reply) as last_ask_position,
        min(sent_at) filter (sender = 'agent') as first_agent_at,
        arg_min(agent_cs_uid, position_that_day) as first_cs_uid,
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
            as is_served_after_first_message,
        first_agent_at,
        first_cs_uid,
        coalesce(
            last_buyer_position > coalesce(last_agent_position, 0), false
        ) as is_left_unanswered,
        case
            when last_ask_position > coalesce(last_agent_position, 0) then 'ask'
            when last_agent_position is not null then 'agent'
        end as last_turn
    from buyer_days

)

select * from final
