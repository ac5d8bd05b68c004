-- The human agents that have a service score on the day, best first.
select
    scores.mall_id,
    dim_malls.mall_name,
    scores.cs_uid,
    dim_agents.cs_name,
    scores.service_score,
    scores.buyer_days,
    kpis.reply_rate_3min,
    kpis.late_buyers_3min,
    kpis.assessed_consult_buyers,
    kpis.avg_response_seconds,
    kpis.answered_messages
from agent_service_score_30d as scores
left join dim_malls on scores.mall_id = dim_malls.mall_id
left join dim_agents
    on scores.mall_id = dim_agents.mall_id and scores.cs_uid = dim_agents.cs_uid
left join agent_kpi_30d as kpis
    on
        scores.mall_id = kpis.mall_id
        and scores.cs_uid = kpis.cs_uid
        and scores.as_of_date = kpis.as_of_date
where
    scores.as_of_date = $as_of
    and scores.service_score is not null
    and not coalesce(dim_agents.is_robot, false)
order by scores.service_score desc, scores.mall_id, scores.cs_uid
