-- One pass of one window over every buyer's day finds the next and the previous
-- agent message of each message: no join of messages to messages. What reaches
-- over midnight is found from day to day, in int_buyer_days_linked.
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
        ref('int_messages_classified'), by='int_touched_buyer_days',
        key=['mall_id', 'buyer_uid', 'service_date']
    ) }}

),

turns as (

    select
        *,
        case
            when sender = 'agent' then 'agent' when asks_for_reply then 'ask'
        end as turn
    from messages

),

sequenced as (

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
        row_number() over buyer_day as position_that_day,
        lead(agent_cs_uid ignore nulls) over buyer_day
            as next_cs_uid_that_day,
        lead(case when sender = 'agent' then sent_at end ignore nulls)
            over buyer_day as next_agent_at_that_day,
        lag(agent_cs_uid ignore nulls) over buyer_day
            as previous_cs_uid_that_day,
        lag(turn ignore nulls) over buyer_day as previous_turn_that_day
    from turns
    window buyer_day as (
        partition by mall_id, buyer_uid, service_date order by sent_at, msg_id
    )

),

final as (

    select * from sequenced
    {{ lay_by_day('service_date') }}

)

select * from final
