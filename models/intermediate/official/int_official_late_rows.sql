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
        ('messages', 'sent_at'), ('orders', 'created_at'),
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

late_rows as (

    select
        periods.source,
        periods.mall_id,
        periods.period_start,
        periods.period_end,
        events.landed_from,
        count(*) as rows_landed_later,
        0 as incomplete_days
    from events
    inner join periods
        on
            events.mall_id = periods.mall_id
            and events.date_day
            between periods.period_start and periods.period_end
            and events.loaded_at > periods.newest_loaded_at
    group by all

),

incomplete as (

    select
        periods.source,
        periods.mall_id,
        periods.period_start,
        periods.period_end,
        completeness.source as landed_from,
        0 as rows_landed_later,
        count(*) as incomplete_days
    from {{ ref('int_data_completeness') }} as completeness
    inner join periods
        on
            completeness.mall_id = periods.mall_id
            and completeness.date_day
            between periods.period_start and periods.period_end
    where completeness.status in ('low', 'missing')
    group by all

),

final as (

    select
        source,
        mall_id,
        period_start,
        period_end,
        landed_from,
        cast(sum(rows_landed_later) as bigint) as rows_landed_later,
        cast(sum(incomplete_days) as bigint) as incomplete_days
    from (
        select * from late_rows
        union all
        select * from incomplete
    ) as late
    group by source, mall_id, period_start, period_end, landed_from

)

select * from final
