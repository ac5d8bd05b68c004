{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_as_of_dates',
            'touched_key': ['as_of_date'],
        },
    )
}}

with

metrics as (

    select * from {{ only_touched(
        ref('int_mall_metrics_30d'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}

),

kpi_targets as (

    select
        metric,
        target::double as target,
        excellent::double as excellent
    from {{ ref('kpi_targets') }}
    where scope = 'mall'

),

incomplete_days as (

    select * from {{ only_touched(
        ref('int_incomplete_days_30d'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}

),

ranked as (

    select
        *,
        count(*) over category as malls,
        rank() over (
            partition by as_of_date, metric, category_name order by goodness
        ) - 1 as malls_worse,
        count(*) over (
            partition by as_of_date, metric, category_name, goodness
        ) as malls_with_same,
        row_number() over (
            partition by as_of_date, metric, category_name
            order by goodness desc, mall_id asc
        ) as best_position
    from metrics
    window category as (partition by as_of_date, metric, category_name)

),

category_means as (

    -- The best tenth of the malls, rounded up. Sums in a fixed order, so that
    -- two runs add the same way.
    select
        as_of_date,
        metric,
        category_name,
        avg(metric_value order by mall_id) as category_mean,
        avg(metric_value order by mall_id)
        filter (best_position <= (malls + 9) // 10) as category_top10_mean
    from ranked
    group by as_of_date, metric, category_name

),

final as (

    select
        ranked.mall_id,
        ranked.as_of_date,
        ranked.metric,
        ranked.category_name,
        ranked.metric_value,
        category_means.category_mean,
        category_means.category_top10_mean,
        {{ half_tie_percentile(
            'ranked.malls_worse', 'ranked.malls_with_same', 'ranked.malls'
        ) }} as category_percentile,
        ranked.metric_value - category_means.category_mean as gap_to_mean,
        ranked.metric_value - category_means.category_top10_mean
            as gap_to_top10,
        kpi_targets.target,
        {{ target_status(
            'ranked.metric_value', 'kpi_targets.target',
            'kpi_targets.excellent', 'ranked.direction'
        ) }} as target_status,
        incomplete_days.incomplete_kpi_days_30d as incomplete_days_30d,
        incomplete_days.incomplete_kpi_days_30d = 0 as is_complete
    from ranked
    left join incomplete_days
        on
            ranked.mall_id = incomplete_days.mall_id
            and ranked.as_of_date = incomplete_days.as_of_date
    inner join category_means
        on
            ranked.as_of_date = category_means.as_of_date
            and ranked.metric = category_means.metric
            and ranked.category_name = category_means.category_name
    left join kpi_targets
        on ranked.metric = kpi_targets.metric

)

select * from final
