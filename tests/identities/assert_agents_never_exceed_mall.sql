-- What: of assessed, unanswered and buyer messages the agents of a mall have
-- at most as many as the mall: a message has one responsible agent or none.
-- Where no agent has a row, there is nothing to compare.
-- When it matters: a message is counted for two agents.
-- How to resolve: list the messages of the failing mall and day in
-- fct_buyer_messages by responsible_cs_uid.
with

agents as (

    select
        mall_id,
        service_date,
        sum(assessed_messages) as assessed_messages,
        sum(unanswered_messages) as unanswered_messages,
        sum(buyer_messages) as buyer_messages
    from {{ ref('agent_kpi_daily') }}
    group by mall_id, service_date

)

select
    agents.mall_id,
    agents.service_date,
    agents.assessed_messages as of_agents,
    malls.assessed_messages as of_mall
from agents
left join {{ ref('mall_kpi_daily') }} as malls
    on
        agents.mall_id = malls.mall_id
        and agents.service_date = malls.service_date
where
    (
        agents.assessed_messages <= malls.assessed_messages
        and agents.unanswered_messages <= malls.unanswered_messages
        and agents.buyer_messages <= malls.buyer_messages
    ) is not true
