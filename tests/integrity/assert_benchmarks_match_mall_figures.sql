-- What: the figures that mall_benchmarks_30d compares are those of
-- mall_kpi_30d, help_seeking_rate_30d (`all`) and experience_score_30d: every
-- one that has a direction in dim_metrics and a value, and no other. No
-- tolerance.
-- When it matters: a mall is compared by another figure than it is shown.
-- How to resolve: look up the failing metric in the three tables; if it is in
-- none of them, int_mall_metrics_30d takes in a column that it should not.
with

kpis as (

    select
        mall_id,
        as_of_date,
        cast(columns(* exclude (mall_id, as_of_date)) as double)
    from {{ ref('mall_kpi_30d') }}

),

help_rates as (

    select
        mall_id,
        as_of_date,
        cast(
            columns(
                * exclude (mall_id, as_of_date, module, days_observed)
            ) as double
        )
    from {{ ref('help_seeking_rate_30d') }}
    where module = 'all'

),

scores as (

    select
        mall_id,
        as_of_date,
        experience_score,
        cast(category_rank as double) as category_rank,
        category_percentile,
        change_7d,
        change_ratio_7d
    from {{ ref('experience_score_30d') }}

),

long_kpis as (

    unpivot kpis on columns(* exclude (mall_id, as_of_date))
    into name metric value metric_value

),

long_help_rates as (

    unpivot help_rates on columns(* exclude (mall_id, as_of_date))
    into name metric value metric_value

),

long_scores as (

    unpivot scores on columns(* exclude (mall_id, as_of_date))
    into name metric value metric_value

),

figures as (

    select * from long_kpis
    union all
    select * from long_help_rates
    union all
    select * from long_scores

),

expected as (

    select
        figures.mall_id,
        figures.as_of_date,
        figures.metric,
        figures.metric_value
    from figures
    inner join {{ ref('dim_metrics') }} as metrics
        on
            figures.metric = metrics.metric
            and metrics.is_higher_better is not null

),

published as (

    select
        mall_id,
        as_of_date,
        metric,
        metric_value
    from {{ ref('mall_benchmarks_30d') }}

)

{{ rows_that_differ('expected', 'published') }}
