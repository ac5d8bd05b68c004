-- One pass of one window over every conversation finds the next and the
-- previous agent message of each message: no join of messages to messages.
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
        ref('int_messages_classified'), by='int_touched_conversations',
        key=['mall_id', 'buyer_uid']
    ) }}

),

windowed as (

    select
        mall_id,
        buyer_uid,
        msg_id,
        sender,
        agent_cs_uid,
        assigned_cs_uid,
        asks_for_reply,
        sent_at,
        service_date,
        row_number() over conversation as conversation_position,
        lead(agent_cs_uid ignore nulls) over conversation as next_cs_uid,
        lead(case when sender = 'agent' then sent_at end ignore nulls)
            over conversation as next_agent_at,
        lag(agent_cs_uid ignore nulls) over conversation as previous_cs_uid,
        lag(case when sender = 'agent' then service_date end ignore nulls)
            over conversation as previous_agent_date,
        lag(
            case
                when sender = 'agent' then 'agent' when asks_for_reply then 'ask'
            end ignore nulls
        ) over conversation as previous_turn
    from messages
    window conversation as (
        partition by mall_id, buyer_uid order by sent_at, msg_id
    )

),

timed as (

    select
        *,
        epoch_ms(next_agent_at) - epoch_ms(sent_at) as next_agent_ms
    from windowed

),

replied as (

    select
        *,
        sender = 'buyer'
        and next_agent_ms <= {{ var('reply_horizon_hours') }} * 3600000
            as is_replied
    from timed

),

final as (

    select
        mall_id,
        buyer_uid,
        msg_id,
        sender,
        agent_cs_uid,
        assigned_cs_uid,
        asks_for_reply,
        sent_at,
        service_date,
        conversation_position,
        asks_for_reply
        and coalesce(previous_turn, 'agent') = 'agent' as is_round_start,
        case when is_replied then next_cs_uid end as replied_cs_uid,
        case when is_replied then next_agent_at end as replied_at,
        case when is_replied then next_agent_ms end as response_ms,
        case
            when previous_agent_date = service_date then previous_cs_uid
        end as previous_cs_uid_that_day
    from replied

)

select * from final
