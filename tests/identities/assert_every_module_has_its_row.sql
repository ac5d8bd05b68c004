-- What: help_seeking_rate_30d has every module of the seed of problems,
-- `unknown` and `all` on each day of mall_kpi_30d, with the mall's grouped
-- orders, and experience_module_scores_30d every module of the weights.
-- When it matters: a module without requests vanishes instead of showing 0,
-- and its malls fall out of the peers.
-- How to resolve: the modules come from int_help_orders_30d (members), the
-- days from int_kpi_spine.
with

days as (

    select
        mall_id,
        as_of_date,
        grouped_orders as grouped_orders_30d
    from {{ ref('mall_kpi_30d') }}

),

modules as (

    select module from {{ ref('dim_problems') }}
    union
    select 'all' as module

),

expected as (

    select
        'help_seeking_rate_30d' as table_name,
        days.mall_id,
        days.as_of_date,
        modules.module,
        days.grouped_orders_30d
    from days
    cross join modules

    union all

    select
        'experience_module_scores_30d' as table_name,
        days.mall_id,
        days.as_of_date,
        module_weights.module,
        days.grouped_orders_30d
    from days
    cross join {{ ref('module_weights') }} as module_weights

),

-- A module with a weight but without problems has a row of its own.
found as (

    select
        'help_seeking_rate_30d' as table_name,
        mall_id,
        as_of_date,
        module,
        grouped_orders_30d
    from {{ ref('help_seeking_rate_30d') }}
    where module in (select modules.module from modules)

    union all

    select
        'experience_module_scores_30d' as table_name,
        modules.mall_id,
        modules.as_of_date,
        modules.module,
        scores.grouped_orders_30d
    from {{ ref('experience_module_scores_30d') }} as modules
    left join {{ ref('experience_score_30d') }} as scores
        on
            modules.mall_id = scores.mall_id
            and modules.as_of_date = scores.as_of_date

)

{{ rows_that_differ('expected', 'found') }}
