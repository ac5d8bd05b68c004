-- What: the message counts of an agent's shifts add up to his day. Buyers do
-- not: one who wrote in two shifts counts in both. No tolerance.
-- When it matters: a message has two shifts or none, and shifts are compared
-- by it.
-- How to resolve: list the agent's messages of the day in fct_buyer_messages
-- with shift_name; int_shift_segments must give one shift at any moment.
with

shifts as (

    select
        mall_id,
        cs_uid,
        service_date,
        sum(assessed_messages) as assessed_messages,
        sum(messages_replied_30s) as messages_replied_30s,
        sum(answered_messages) as answered_messages,
        sum(unanswered_messages) as unanswered_messages,
        sum(agent_messages) as agent_messages,
        sum(buyer_messages) as buyer_messages
    from {{ ref('agent_kpi_shift_daily') }}
    group by mall_id, cs_uid, service_date

),

days as (

    select
        mall_id,
        cs_uid,
        service_date,
        assessed_messages,
        messages_replied_30s,
        answered_messages,
        unanswered_messages,
        agent_messages,
        buyer_messages
    from {{ ref('agent_kpi_daily') }}
    where agent_messages + buyer_messages > 0

)

{{ rows_that_differ('shifts', 'days') }}
