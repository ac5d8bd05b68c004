select
    kpis.*,
    scores.service_score
from agent_kpi_30d as kpis
left join agent_service_score_30d as scores
    on
        kpis.mall_id = scores.mall_id
        and kpis.cs_uid = scores.cs_uid
        and kpis.as_of_date = scores.as_of_date
where
    kpis.mall_id = $mall_id
    and kpis.cs_uid = $cs_uid
    and kpis.as_of_date = $as_of::date - 7
