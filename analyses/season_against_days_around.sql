-- Question: what do sale seasons (618, 双11, 年货节 ...) do to a mall's service,
-- next to the days around them?
--
-- How to read: one row a mall, season and figure. The days around are as many
-- before the season as it has days, and as many after it; days of another season
-- and days outside the mall's data count neither here nor there, so look at
-- season_days, days_before and days_after first. Figures a day are sums over
-- calendar days, days without anything count as zero; rates are made anew from
-- sums. ratio 2 means twice as much as around. No rows: no season within the
-- data. Where two seasons overlap, a day belongs to the one that began last.
--
-- How to run: kefu dbt show -s season_against_days_around --limit 5000
-- dbt compile -s season_against_days_around writes the SQL to target/compiled.
with

dates as (

    select
        date_day,
        sale_season,
        date_day
        - (row_number() over (partition by sale_season order by date_day))::int
            as run_of_days
    from {{ ref('dim_dates') }}

),

seasons as (

    select
        sale_season,
        min(date_day) as starts_on,
        max(date_day) as ends_on,
        count(*)::int as length
    from dates
    where sale_season is not null
    group by sale_season, run_of_days

),

malls as (

    {{ mall_spans() }}

),

days as (

    select
        malls.mall_id,
        dates.date_day,
        seasons.*,
        case
            when dates.date_day < seasons.starts_on then 'before'
            when dates.date_day > seasons.ends_on then 'after'
            else 'season'
        end as part
    from seasons
    inner join dates
        on
            dates.date_day
            between seasons.starts_on - seasons.length
            and seasons.ends_on + seasons.length
    inner join malls
        on dates.date_day between malls.first_day and malls.last_day
    where dates.sale_season is null or part = 'season'

),

help_days as (

    select
        mall_id,
        request_date,
        sum(help_requests) as help_requests
    from {{ ref('help_seeking_daily') }}
    group by mall_id, request_date

),

figures as (

    -- Of each figure the two sides of its fraction; a figure a day has days below.
    select
        days.*,
        unnest([
            'messages_a_day', 'consult_buyers_a_day', 'reply_rate_30s',
            'reply_rate_3min', 'inquiry_conversion_rate', 'sales_amount_a_day',
            'help_requests_a_day'
        ]) as figure,
        unnest([
            kpis.buyer_messages + kpis.agent_messages, kpis.consult_buyers,
            kpis.messages_replied_30s,
            kpis.assessed_consult_buyers - kpis.late_buyers_3min,
            kpis.final_group_buyers, kpis.sales_amount::double,
            help_days.help_requests
        ]) as numerator,
        unnest([
            1, 1, kpis.assessed_messages, kpis.assessed_consult_buyers,
            kpis.inquiry_buyers, 1, 1
        ]) as denominator
    from days
    left join {{ ref('mall_kpi_daily') }} as kpis
        on
            days.mall_id = kpis.mall_id
            and days.date_day = kpis.service_date
    left join help_days
        on
            days.mall_id = help_days.mall_id
            and days.date_day = help_days.request_date

),

final as (

    select
        mall_id,
        sale_season,
        starts_on,
        ends_on,
        figure,
        count(*) filter (part = 'season') as season_days,
        count(*) filter (part = 'before') as days_before,
        count(*) filter (part = 'after') as days_after,
        coalesce(sum(numerator) filter (part = 'season'), 0)
        / nullif(sum(denominator) filter (part = 'season'), 0) as in_season,
        coalesce(sum(numerator) filter (part != 'season'), 0)
        / nullif(sum(denominator) filter (part != 'season'), 0) as around,
        in_season - around as difference,
        in_season / nullif(around, 0) as ratio
    from figures
    group by mall_id, sale_season, starts_on, ends_on, figure
    having season_days > 0
    order by mall_id, starts_on, figure

)

select * from final
