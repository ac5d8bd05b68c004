-- What can make our figures of an official period others later, or did so after
-- the platform's were taken: by source, days that are not whole, and rows of the
-- period that were landed after the export.
with

periods as (

    select
        'report' as source,
        mall_id,
        period_start,
        period_end,
        max(loaded_at) as newest_loaded_at
    from {{ ref('stg_pdd__official_agent_kpi') }}
    group by mall_id, period_start, period_end
    union all
    select
        'score_page' as source,
        mall_id,
        as_of_date - 29 as period_start,
        as_of_date as period_end,
        max(loaded_at) as newest_loaded_at
    from {{ ref('stg_pdd__official_experience_score') }}
    group by mall_id, as_of_date

),

events as (

    {% for table, time in [
        ('messages', 'service_date'), ('orders', 'created_at'),
        ('refunds', 'created_at'), ('complaints', 'created_at'),
        ('ratings', 'created_at'),
    ] %}
        select
            '{{ table }}' as landed_from,
            mall_id,
            cast({{ time }} as date) as date_day,
            loaded_at
        from {{ ref('stg_pdd__' ~ table) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Of all rows few were landed after any export that holds their day: each of
-- these is looked for in every period. No event lies before the platform did.
period_days as (

    select
        mall_id,
        newest_loaded_at,
        unnest(
            generate_series(
                greatest(period_start, date '2015-09-01'),
                period_end, interval 1 day
            )
        ) as day_at
    from periods

),

first_exports as (

    select
        mall_id,
        cast(day_at as date) as date_day,
        min(newest_loaded_at) as loaded_at
    from period_days
    group by mall_id, day_at

),

reasons as (

    select
        events.*,
        1 as rows_landed_later
    from events
    inner join first_exports
        on
            events.mall_id = first_exports.mall_id
            and events.date_day = first_exports.date_day
            and events.loaded_at > first_exports.loaded_at
    union all by name
    select
        source as landed_from,
        mall_id,
        date_day,
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
        cast(count(reasons.rows_landed_later) as bigint) as rows_landed_later,
        cast(count(reasons.incomplete_days) as bigint) as incomplete_days
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
