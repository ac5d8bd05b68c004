-- Load day by day, with sale seasons.
select
    date_day as service_date,
    dim_dates.sale_season,
    coalesce(sum(hourly_load.messages), 0)::bigint as messages,
    coalesce(sum(hourly_load.messages_replied_30s), 0)::bigint
        as messages_replied_30s,
    coalesce(sum(hourly_load.assessed_messages), 0)::bigint
        as assessed_messages,
    sum(hourly_load.messages_replied_30s)
    / nullif(sum(hourly_load.assessed_messages), 0) as reply_rate_30s
from (
    select unnest(generate_series($as_of::date - 59, $as_of::date, interval 1 day))
        ::date as date_day
)
left join dim_dates using (date_day)
left join hourly_load
    on
        hourly_load.service_date = date_day
        and ($mall_id is null or hourly_load.mall_id = $mall_id)
where date_day >= (select min(service_date) from mall_kpi_daily)
group by all
order by service_date
