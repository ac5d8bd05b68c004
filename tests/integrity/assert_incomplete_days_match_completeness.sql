-- What: incomplete_days_30d of every 30-day table, counted anew: the distinct
-- days of the 30 on which data_completeness says `low` or `missing` of a source
-- that the table rests on. No tolerance.
-- When it matters: a feed stopped, and the better figures that follow bear no
-- flag, or a flag stays when the rows have come.
-- How to resolve: list the days of the failing mall in data_completeness;
-- int_incomplete_days_30d counts them, each mart takes its own column of it.
with

incomplete as (

    select
        mall_id,
        source,
        date_day
    from {{ ref('data_completeness') }}
    where status in ('low', 'missing')

),

published as (

    {% for table, sources in [
        ('agent_kpi_30d', 'all'),
        ('mall_kpi_30d', 'all'),
        ('mall_benchmarks_30d', 'all'),
        ('help_seeking_rate_30d', 'help'),
        ('core_issues_30d', 'help'),
        ('experience_score_30d', 'help'),
        ('experience_module_scores_30d', 'help'),
        ('agent_service_score_30d', 'messages'),
    ] %}
        select
            '{{ table }}' as table_name,
            '{{ sources }}' as rests_on,
            mall_id,
            as_of_date,
            incomplete_days_30d
        from {{ ref(table) }}
        group by all
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

recounted as (

    select
        published.table_name,
        published.rests_on,
        published.mall_id,
        published.as_of_date,
        count(distinct incomplete.date_day) as incomplete_days_30d
    from published
    left join incomplete
        on
            published.mall_id = incomplete.mall_id
            and incomplete.date_day
            between published.as_of_date - 29 and published.as_of_date
            and (
                published.rests_on = 'all'
                or published.rests_on = incomplete.source
                or (
                    published.rests_on = 'help'
                    and incomplete.source != 'ratings'
                )
            )
    group by all

)

{{ rows_that_differ('recounted', 'published') }}
