{# The view int_messages_replied, and for only_touched its touched rows. #}
{% macro select_int_messages_replied(touched=none) -%}
{%- set rows_of = {
    'int_messages_sequenced': ref('int_messages_sequenced'),
    'int_buyer_days_linked': ref('int_buyer_days_linked'),
} if not touched else {
    'int_messages_sequenced': only_touched(
        below('intermediate', 'int_messages_sequenced'), **touched
    ),
    'int_buyer_days_linked': only_touched(
        below('intermediate', 'int_buyer_days_linked'), **touched
    ),
} -%}
with

messages as (

    select * from {{ rows_of['int_messages_sequenced'] }}

),

buyer_days as (

    select * from {{ rows_of['int_buyer_days_linked'] }}

),

linked as (

    select
        messages.*,
        coalesce(buyer_days.is_robot_only, false) as is_robot_only,
        case
            when messages.previous_turn_that_day is null
                then not coalesce(buyer_days.is_round_open, false)
            else messages.previous_turn_that_day = 'agent'
        end as is_after_agent,
        coalesce(messages.next_agent_at_that_day, buyer_days.next_agent_at)
            as next_agent_at,
        coalesce(messages.next_cs_uid_that_day, buyer_days.next_cs_uid)
            as next_cs_uid
    from messages
    left join buyer_days
        on
            messages.mall_id = buyer_days.mall_id
            and messages.buyer_uid = buyer_days.buyer_uid
            and messages.service_date = buyer_days.service_date

),

timed as (

    select
        *,
        epoch_ms(next_agent_at) - epoch_ms(sent_at) as next_agent_ms
    from linked

),

replied as (

    select
        *,
        sender = 'buyer'
        and next_agent_ms <= {{ reply_horizon_ms() }} as is_replied
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
        position_that_day,
        is_robot_only,
        asks_for_reply and is_after_agent as is_round_start,
        case when is_replied then next_cs_uid end as replied_cs_uid,
        case when is_replied then next_agent_at end as replied_at,
        case when is_replied then next_agent_ms end as response_ms,
        previous_cs_uid_that_day
    from replied

)

select * from final
{%- endmacro %}
