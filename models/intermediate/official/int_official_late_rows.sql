-- What can make our figures of an official period others later, or did so after
-- the platform's were taken: by source, days that are not whole, and rows of the
-- period that were landed after the export.
with

periods as (

    select * from {{ ref('int_official_periods') }}

),

reasons as (

    select
        source as landed_from,
        mall_id,
        date_day,
        loaded_at,
        rows as rows_landed_later,
        0 as incomplete_days
    from {{ ref('int_rows_after_exports') }}
    union all by name
    select
        source as landed_from,
        mall_id,
        date_day,
        0 as rows_landed_later,
        1 as incomplete_days
    from {{ ref('int_data_completeness') }}
    where status in ('low', 'missing')

),

final as (

    select
        periods.source,
        periods.mall_id,
        periods.period_start,
        periods.period_end,
        reasons.landed_from,
        cast(sum(reasons.rows_landed_later) as bigint) as rows_landed_later,
        cast(sum(reasons.incomplete_days) as bigint) as incomplete_days
    from reasons
    inner join periods
        on
            reasons.mall_id = periods.mall_id
            and reasons.date_day
            between periods.period_start and periods.period_end
            and (
                reasons.incomplete_days = 1
                or reasons.loaded_at > periods.newest_loaded_at
            )
    group by all

)

select * from final
