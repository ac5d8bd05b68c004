-- Every day from the platform's first to the end of the year in which the
-- newest rows can lie: an event is accepted up to a day after its load, and an
-- earlier as_of_date cuts the daily tables, not the facts.
with

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

),

days as (

    select
        cast(
            unnest(
                generate_series(
                    date '2015-09-01',
                    make_date(cast(year(last_complete_day + 2) as int), 12, 31),
                    interval 1 day
                )
            ) as date
        ) as date_day
    from as_of_end

),

exempt_dates as (

    select
        date_day,
        min(reason) as exempt_reason
    from {{ ref('exempt_dates') }}
    group by date_day

),

seasons as (

    -- Where two seasons overlap, the day belongs to the one that began last.
    select
        days.date_day,
        arg_max(
            sale_seasons.season, (sale_seasons.starts_on, sale_seasons.season)
        ) as sale_season
    from days
    inner join {{ ref('sale_seasons') }} as sale_seasons
        on
            days.date_day
            between sale_seasons.starts_on and sale_seasons.ends_on
    group by days.date_day

),

final as (

    select
        days.date_day,
        cast(isodow(days.date_day) as bigint) as iso_weekday,
        strftime(days.date_day, '%A') as weekday_name,
        isodow(days.date_day) >= 6 as is_weekend,
        seasons.sale_season,
        exempt_dates.date_day is not null as is_exempt,
        exempt_dates.exempt_reason
    from days
    left join seasons
        on days.date_day = seasons.date_day
    left join exempt_dates
        on days.date_day = exempt_dates.date_day

)

select * from final
