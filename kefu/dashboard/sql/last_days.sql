-- The last days on which a mall, and an agent of it, has figures of 30 days.
select
    (
        select max(as_of_date) from mall_kpi_30d
        where mall_id = $mall_id
    ) as mall,
    (
        select max(as_of_date) from agent_kpi_30d
        where mall_id = $mall_id
    ) as agents
