-- Mall-days whose 30-day figures may be other ones now: a row counts for the 30
-- days from its own, a help order until 29 days after it was grouped.
with

spans as (

    select
        mall_id,
        service_date as first_date,
        service_date + 29 as last_date
    from {{ changes_of('int_kpi_daily') }}
    union
    select
        mall_id,
        seen_on as first_date,
        seen_on + 29 as last_date
    from {{ changes_of('int_distinct_visits') }}
    union
    select
        mall_id,
        change_date as first_date,
        confirm_date + 29 as last_date
    from {{ changes_of('int_help_order_changes') }}

),

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

),

days as (

    select
        spans.mall_id,
        unnest(
            generate_series(
                spans.first_date,
                least(spans.last_date, as_of_end.as_of_end),
                interval 1 day
            )
        ) as as_of_at
    from spans
    cross join as_of_end
    where spans.first_date <= as_of_end.as_of_end

),

final as (

    select
        mall_id,
        cast(as_of_at as date) as as_of_date
    from days
    union
    select
        mall_id,
        as_of_date
    from {{ changes_of('int_kpi_spine') }}
    union
    select
        mall_id,
        as_of_date
    from {{ changes_of('int_incomplete_days_30d') }}

)

select * from final
