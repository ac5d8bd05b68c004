-- What: data_completeness has a row for every day from the mall's first row in
-- a source to the as-of end, and its rows add up to the current rows of the
-- source up to that day.
-- When it matters: a day without rows that has no row of its own cannot be
-- flagged, and the figures of a stopped feed look like good ones.
-- How to resolve: compare the failing mall and source with
-- int_source_rows_daily; int_source_days fills the days between.
with

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

),

landed as (

    {% for source, moment in [
        ('messages', 'sent_at'), ('orders', 'created_at'),
        ('refunds', 'created_at'), ('complaints', 'created_at'),
        ('ratings', 'created_at'),
    ] %}
        select
            '{{ source }}' as source,
            mall_id,
            {{ moment }}::date as date_day
        from {{ ref('stg_pdd__' ~ source) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

expected as (

    select
        landed.mall_id,
        landed.source,
        min(landed.date_day) as first_day,
        as_of_end.as_of_end as last_day,
        as_of_end.as_of_end - min(landed.date_day) + 1 as day_count,
        count(*) as rows
    from landed
    inner join as_of_end
        on landed.date_day <= as_of_end.as_of_end
    group by landed.mall_id, landed.source, as_of_end.as_of_end

),

found as (

    select
        mall_id,
        source,
        min(date_day) as first_day,
        max(date_day) as last_day,
        count(*) as day_count,
        cast(sum(rows) as bigint) as rows
    from {{ ref('data_completeness') }}
    group by mall_id, source

)

{{ rows_that_differ('expected', 'found') }}
