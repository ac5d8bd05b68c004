-- Load by weekday and hour over the last 28 days: each weekday four times.
-- Counts are means a day, over the days since the warehouse's first day, quiet
-- ones among them; ratios are taken of the sums.
with

days as (

    select
        isodow(date_day) as iso_weekday,
        count(*) as days
    from (
        select unnest(
            generate_series(
                greatest(
                    $as_of::date - 27,
                    (select min(service_date) from mall_kpi_daily)
                ),
                $as_of::date,
                interval 1 day
            )
        )::date as date_day
    )
    group by iso_weekday

),

hours as (

    select
        isodow(service_date) as iso_weekday,
        hour_of_day,
        sum(messages) as messages,
        sum(buyer_messages) as buyer_messages,
        sum(agent_messages) as agent_messages,
        sum(buyers) as buyers,
        sum(active_agents) as active_agents,
        sum(assessed_messages) as assessed_messages,
        sum(messages_replied_30s) as messages_replied_30s
    from hourly_load
    where
        service_date between $as_of::date - 27 and $as_of
        and ($mall_id is null or mall_id = $mall_id)
    group by all

)

select
    days.iso_weekday,
    hour_of_day::bigint as hour_of_day,
    days.days::bigint as days,
    coalesce(hours.messages, 0) / days.days as messages,
    coalesce(hours.buyers, 0) / days.days as buyers,
    coalesce(hours.active_agents, 0) / days.days as active_agents,
    hours.buyers / nullif(hours.active_agents, 0) as buyers_per_active_agent,
    coalesce(hours.messages_replied_30s, 0)::bigint as messages_replied_30s,
    coalesce(hours.assessed_messages, 0)::bigint as assessed_messages,
    hours.messages_replied_30s / nullif(hours.assessed_messages, 0)
        as reply_rate_30s
from days
cross join (select unnest(range(24)) as hour_of_day)
left join hours using (iso_weekday, hour_of_day)
order by iso_weekday, hour_of_day
