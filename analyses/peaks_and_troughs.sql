-- Question: in which hours of the week is a mall's service busiest, and when is
-- there next to nothing to do?
--
-- How to read: one row a mall, weekday and hour over the last 28 days to the
-- as-of end. mean_messages and the other means are taken over all days of that
-- weekday (days_counted, four when the mall was there all the time), so a day without
-- a message in that hour counts as zero; days before the mall's first day are
-- left out. busiest_rank 1 is the peak of the mall's week, quietest_rank 1 its
-- trough; equal hours share a rank. reply_rate_30s and buyers_per_active_agent
-- divide the sums of the period, they are no means of rates.
--
-- How to run: kefu dbt show -s peaks_and_troughs --limit 5000
-- over other days: kefu dbt show -s peaks_and_troughs --vars 'load_days: 56'
-- dbt compile -s peaks_and_troughs writes the SQL to target/compiled.
with

hourly_load as (

    select * from {{ ref('hourly_load') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

malls as (

    {{ mall_spans() }}

),

hours as (

    select
        malls.mall_id,
        dates.date_day,
        dates.iso_weekday,
        dates.weekday_name,
        unnest(range(24)) as hour_of_day
    from malls
    inner join dates
        on
            malls.first_day <= dates.date_day
            and malls.last_day >= dates.date_day
            and malls.last_day - {{ var('load_days', 28) }} < dates.date_day

),

added_up as (

    select
        hours.mall_id,
        hours.iso_weekday,
        hours.weekday_name,
        hours.hour_of_day,
        count(*) as days_counted,
        coalesce(sum(hourly_load.messages), 0) / count(*) as mean_messages,
        coalesce(sum(hourly_load.buyer_messages), 0) / count(*)
            as mean_buyer_messages,
        coalesce(sum(hourly_load.agent_messages), 0) / count(*)
            as mean_agent_messages,
        coalesce(sum(hourly_load.buyers), 0) / count(*) as mean_buyers,
        coalesce(sum(hourly_load.active_agents), 0) / count(*)
            as mean_active_agents,
        cast(coalesce(sum(hourly_load.assessed_messages), 0) as bigint)
            as assessed_messages,
        cast(coalesce(sum(hourly_load.messages_replied_30s), 0) as bigint)
            as messages_replied_30s,
        sum(hourly_load.messages_replied_30s)
        / nullif(sum(hourly_load.assessed_messages), 0) as reply_rate_30s,
        sum(hourly_load.buyers) / nullif(sum(hourly_load.active_agents), 0)
            as buyers_per_active_agent
    from hours
    left join hourly_load
        on
            hours.mall_id = hourly_load.mall_id
            and hours.date_day = hourly_load.service_date
            and hours.hour_of_day = hourly_load.hour_of_day
    group by all

),

final as (

    select
        *,
        rank() over (partition by mall_id order by mean_messages desc)
            as busiest_rank,
        rank() over (partition by mall_id order by mean_messages)
            as quietest_rank
    from added_up
    order by mall_id, busiest_rank, iso_weekday, hour_of_day

)

select * from final
