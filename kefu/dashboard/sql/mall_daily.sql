-- A mall day by day, with the days on which nothing was counted.
select
    service_date,
    mall_kpi_daily.* exclude (mall_id, service_date)
from (
    select unnest(generate_series($as_of::date - 59, $as_of::date, interval 1 day))
        ::date as service_date
)
left join (
    select * from mall_kpi_daily where mall_id = $mall_id
) as mall_kpi_daily using (service_date)
order by service_date
