-- The agents of a mall over 30 days, with their service scores.
select
    kpis.*,
    dim_agents.cs_name,
    dim_agents.agent_role,
    scores.service_score,
    scores.response_speed,
    scores.problem_solving,
    scores.communication,
    scores.professionalism,
    scores.after_sales,
    scores.items_missing,
    scores.buyer_days
from agent_kpi_30d as kpis
left join dim_agents
    on kpis.mall_id = dim_agents.mall_id and kpis.cs_uid = dim_agents.cs_uid
left join agent_service_score_30d as scores
    on
        kpis.mall_id = scores.mall_id
        and kpis.cs_uid = scores.cs_uid
        and kpis.as_of_date = scores.as_of_date
where
    kpis.mall_id = $mall_id
    and kpis.as_of_date = $as_of
    and not coalesce(dim_agents.is_robot, false)
order by kpis.consult_buyers desc, kpis.cs_uid
