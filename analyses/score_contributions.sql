-- Question: who and what moved a mall's score between two dates: which modules,
-- which problems in them, and how much of it was not the mall's own doing?
--
-- How to read: one row a scored mall, module and problem whose help orders moved,
-- and one row a module without a problem for the rest: the peers' movement, the
-- mall's grouped orders, and orders with several problems. contribution adds up
-- exactly: over a module to module_contribution, over a mall to score_change.
-- Below zero it cost points. The YAML beside this has the arithmetic and an
-- example. The score is our estimate of the platform's.
--
-- How to run: dbt show -s score_contributions --limit 5000 --vars
-- '{date_from: 2026-10-01, date_to: 2026-10-31}'
-- Without dates: the 7 days to the newest as-of date.
-- dbt compile -s score_contributions writes the SQL to target/compiled.
with

period as (

    {{ asked_period(7) }}

),

problems as (

    -- Weighed as the module score weighs the two percentiles, 7 to 3.
    select
        issues.mall_id,
        dim_problems.module,
        issues.problem_code,
        cast(sum(ends.sign * issues.help_orders_30d) as bigint) as help_change,
        cast(sum(ends.sign * issues.platform_help_orders_30d) as bigint)
            as platform_change,
        7 * platform_change + 3 * help_change as weighted_change
    from (
        select
            unnest([date_from, date_to]) as as_of_date,
            unnest([-1, 1]) as sign
        from period
    ) as ends
    inner join {{ ref('core_issues_30d') }} as issues
        on ends.as_of_date = issues.as_of_date
    inner join {{ ref('dim_problems') }} as dim_problems
        on issues.problem_code = dim_problems.problem_code
    group by issues.mall_id, dim_problems.module, issues.problem_code
    having help_change != 0 or platform_change != 0

),

modules as (

    select
        earlier.mall_id,
        period.date_from,
        period.date_to,
        earlier.module,
        earlier.module_score as module_score_from,
        later.module_score as module_score_to,
        earlier.weight
        / sum(earlier.weight) over (partition by earlier.mall_id) as weight_share,
        weight_share * (module_score_to - module_score_from)
            as module_contribution
    from period
    inner join {{ ref('experience_module_scores_30d') }} as earlier
        on
            period.date_from = earlier.as_of_date
            and earlier.module_score is not null
    inner join {{ ref('experience_module_scores_30d') }} as later
        on
            period.date_to = later.as_of_date
            and earlier.mall_id = later.mall_id
            and earlier.module = later.module
            and later.module_score is not null

),

effects as (

    {{ help_order_effects('modules', 'problems') }}

),

shares as (

    select
        problems.*,
        problems.weighted_change / nullif(
            sum(problems.weighted_change) over same_direction, 0
        )
        * case
            when problems.weighted_change > 0 then effects.risen_effect
            else effects.fallen_effect
        end as points
    from problems
    inner join effects
        on
            problems.mall_id = effects.mall_id
            and problems.module = effects.module
    window same_direction as (
        partition by
            problems.mall_id, problems.module, sign(problems.weighted_change)
    )

),

parts as (

    select
        mall_id,
        module,
        problem_code,
        help_change,
        platform_change,
        coalesce(points, 0) as points
    from shares
    union all by name
    select
        modules.mall_id,
        modules.module,
        any_value(modules.module_score_to - modules.module_score_from)
        - coalesce(sum(shares.points), 0) as points
    from modules
    left join shares
        on
            modules.mall_id = shares.mall_id
            and modules.module = shares.module
    group by modules.mall_id, modules.module

),

final as (

    select
        modules.*,
        sum(modules.weight_share * parts.points)
            over (partition by modules.mall_id) as score_change,
        case when parts.problem_code is null then 'rest' else 'problem' end
            as row_type,
        parts.problem_code,
        parts.help_change,
        parts.platform_change,
        modules.weight_share * parts.points as contribution
    from modules
    inner join parts
        on
            modules.mall_id = parts.mall_id
            and modules.module = parts.module
    order by modules.mall_id, modules.module, contribution, parts.problem_code

)

select * from final
