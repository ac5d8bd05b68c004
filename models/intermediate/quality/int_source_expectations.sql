-- Measured over days with rows only: a feed that stopped adds none, so what is
-- expected of it never sinks to nothing.
with

rows_daily as (

    select * from {{ ref('int_source_rows_daily') }}

),

sequenced as (

    select
        *,
        date_day - lag(date_day) over feed as gap_days,
        lead(date_day) over feed as next_date_day,
        lead(rows) over feed as next_rows
    from rows_daily
    window feed as (partition by scope, mall_id, source order by date_day)

),

final as (

    -- The median is moved by no single sale day, and 28 days hold each weekday
    -- alike. A feed that goes on thin would be its own measure after half of
    -- them, so the 28 days before speak too. Of ten gaps the longest is passed
    -- over: that may be an outage.
    select
        scope,
        mall_id,
        source,
        date_day,
        rows,
        gap_days,
        next_date_day,
        next_rows,
        count(*) over trailing_days as days_seen,
        greatest(
            quantile_disc(rows, 0.5) over trailing_days,
            case
                when
                    count(*) over earlier_days
                    >= {{ var('completeness_min_days') }}
                    then quantile_disc(rows, 0.5) over earlier_days
            end
        ) as expected_rows,
        quantile_disc(gap_days, 0.9) over trailing_days as usual_gap_days
    from sequenced
    window
        trailing_days as (
            partition by scope, mall_id, source
            order by date_day
            rows between {{ var('completeness_window_days') - 1 }} preceding
            and current row
        ),
        earlier_days as (
            partition by scope, mall_id, source
            order by date_day
            rows between {{ 2 * var('completeness_window_days') - 1 }} preceding
            and {{ var('completeness_window_days') }} preceding
        )

)

select * from final
