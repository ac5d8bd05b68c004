-- An agent day by day, with the days on which nothing was counted.
select
    service_date,
    agent_kpi_daily.* exclude (mall_id, cs_uid, service_date)
from (
    select unnest(generate_series($as_of::date - 59, $as_of::date, interval 1 day))
        ::date as service_date
)
left join (
    select * from agent_kpi_daily where mall_id = $mall_id and cs_uid = $cs_uid
) as agent_kpi_daily using (service_date)
order by service_date
