-- What: what agents wrote adds up to the mall's agent messages, and what they
-- answered to the mall's answered messages: each such message has exactly one
-- agent. (Messages nobody answered may have none, so they may add up to less.)
-- No tolerance.
-- When it matters: a reply is credited to two agents or to none.
-- How to resolve: list the messages of the failing mall and day in
-- fct_buyer_messages with a replied_cs_uid other than the responsible one.
with

agents as (

    select
        mall_id,
        service_date,
        sum(agent_messages) as agent_messages,
        sum(answered_messages) as answered_messages,
        sum(messages_replied_30s) as messages_replied_30s
    from {{ ref('agent_kpi_daily') }}
    group by mall_id, service_date
    having sum(agent_messages) + sum(answered_messages) > 0

),

malls as (

    select
        mall_id,
        service_date,
        agent_messages,
        answered_messages,
        messages_replied_30s
    from {{ ref('mall_kpi_daily') }}
    where agent_messages + answered_messages > 0

)

{{ rows_that_differ('agents', 'malls') }}
