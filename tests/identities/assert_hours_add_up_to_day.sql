-- What: the hours of hourly_load add up to the messages of mall_kpi_daily. No
-- tolerance.
-- When it matters: a message falls out at the turn of an hour or a day.
-- How to resolve: list the messages of the failing mall and day in
-- int_messages_assessed by hour of sent_at.
with

hours as (

    select
        mall_id,
        service_date,
        sum(messages) as messages,
        sum(buyer_messages) as buyer_messages,
        sum(agent_messages) as agent_messages,
        sum(assessed_messages) as assessed_messages,
        sum(messages_replied_30s) as messages_replied_30s
    from {{ ref('hourly_load') }}
    group by mall_id, service_date

),

days as (

    select
        mall_id,
        service_date,
        buyer_messages + agent_messages as messages,
        buyer_messages,
        agent_messages,
        assessed_messages,
        messages_replied_30s
    from {{ ref('mall_kpi_daily') }}
    where buyer_messages + agent_messages > 0

)

{{ rows_that_differ('hours', 'days') }}
