-- Every day from a feed's first row to the as-of end, with what the days with
-- rows before it lead to expect.
with

expectations as (

    select * from {{ ref('int_source_expectations') }}

),

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

),

days_reached as (

    -- To the next day with rows, which is the last that this one speaks for.
    select
        expectations.*,
        unnest(
            generate_series(
                expectations.date_day + 1,
                coalesce(expectations.next_date_day, as_of_end.as_of_end),
                interval 1 day
            )
        ) as reached_at
    from expectations
    cross join as_of_end

),

days as (

    select
        scope,
        mall_id,
        source,
        date_day,
        rows,
        cast(0 as bigint) as days_silent,
        cast(0 as bigint) as days_seen
    from expectations
    where gap_days is null
    union all by name
    select
        scope,
        mall_id,
        source,
        cast(reached_at as date) as date_day,
        case when cast(reached_at as date) = next_date_day then next_rows else 0 end
            as rows,
        case
            when cast(reached_at as date) = next_date_day then 0
            else cast(reached_at as date) - date_day
        end as days_silent,
        days_seen,
        expected_rows,
        usual_gap_days
    from days_reached

),

final as (

    -- A mall lives as long as its 30-day figures: 29 days after its last row
    -- in whatever source.
    select
        *,
        date_day - max(date_day) filter (rows > 0) over (
            partition by scope, mall_id order by date_day
        ) <= 29 as is_alive
    from days

)

select * from final
