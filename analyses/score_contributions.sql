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
-- How to run: kefu dbt show -s score_contributions --limit 5000 --vars
-- '{date_from: 2026-10-01, date_to: 2026-10-31}'
-- Without dates: the 7 days to the newest as-of date.
-- dbt compile -s score_contributions writes the SQL to target/compiled.
with

period as (

    {{ asked_period(7) }}

),

problems as (

    {{ problem_changes('period') }}

),

modules as (

    select
        earlier.mall_id,
        period.date_from,
        period.date_to,
        sum(earlier.weight * (later.module_score - earlier.module_score))
            over mall
        / sum(earlier.weight) over mall as score_change,
        earlier.module,
        earlier.module_score as module_score_from,
        later.module_score as module_score_to,
        earlier.weight / sum(earlier.weight) over mall as weight_share,
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
    window mall as (partition by earlier.mall_id)

),

effects as (

    {{ help_order_effects('modules', 'problems') }}

),

parts as (

    -- The row without a problem is the rest.
    select * from problems
    union all by name
    select
        mall_id,
        module
    from modules

),

shares as (

    select
        modules.*,
        parts.problem_code,
        parts.help_change,
        parts.platform_change,
        coalesce(
            parts.weighted_change
            / nullif(sum(parts.weighted_change) over same_direction, 0)
            * case
                when parts.weighted_change > 0 then effects.risen_effect
                else effects.fallen_effect
            end,
            0
        ) as points
    from modules
    inner join effects
        on
            modules.mall_id = effects.mall_id
            and modules.module = effects.module
    inner join parts
        on
            modules.mall_id = parts.mall_id
            and modules.module = parts.module
    window same_direction as (
        partition by modules.mall_id, modules.module, sign(parts.weighted_change)
    )

),

final as (

    select
        * exclude (points),
        case when problem_code is null then 'rest' else 'problem' end as row_type,
        weight_share * case
            when problem_code is null
                then
                    module_score_to - module_score_from
                    - sum(points) over (partition by mall_id, module)
            else points
        end as contribution
    from shares
    order by mall_id, module, contribution, problem_code

)

select * from final
