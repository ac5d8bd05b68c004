-- Question: how many fewer help orders would lift a mall to its next tier?
-- Each module is asked alone: the other modules, the peers and the mall's
-- grouped orders stay as they are on the newest as-of date.
--
-- How to read: one row a scored mall and module. help_orders_to_avoid is the
-- smallest number of the module's help orders that must not have been, so that
-- the score reaches score_target; gap_status says `reached` (none needed),
-- `reachable`, `not_reachable` (not even with no help order at all in the
-- module; best_score is what that would give) or `no_higher_tier`. Orders that
-- went to the platform are taken away first, each from both counts, because
-- they weigh more: fewer orders cannot do. smallest_reduction is the mall's
-- cheapest way. The score is our estimate of the platform's.
--
-- How to run: kefu dbt show -s score_gap --limit 500
-- or with a target: kefu dbt show -s score_gap --vars 'score_target: 4.5'
-- dbt compile -s score_gap writes the SQL to target/compiled.
{%- set score_target = var('score_target', none) %}
with

scores as (

    select * from {{ ref('experience_score_30d') }}
    qualify as_of_date = max(as_of_date) over ()

),

targets as (

    -- Rounded as the tiers are: a score of exactly 3 is in the tier from 3 on.
    select
        scores.mall_id,
        scores.as_of_date,
        scores.experience_score,
        {% if score_target is none -%}
            min(score_tiers.min_score::double) as score_target
        {%- else -%}
            cast('{{ score_target }}' as double) as score_target
        {%- endif %}
    from scores
    left join {{ ref('score_tiers') }} as score_tiers
        on score_tiers.min_score::double > round(scores.experience_score, 12)
    where scores.score_status = 'scored'
    group by scores.mall_id, scores.as_of_date, scores.experience_score

),

modules as (

    select
        targets.*,
        module_scores.module,
        module_scores.module_score as module_score_now,
        module_scores.weight
        / sum(module_scores.weight) over (partition by targets.mall_id)
            as weight_share,
        help_rates.grouped_orders_30d,
        help_rates.help_orders_30d,
        help_rates.platform_help_orders_30d
    from targets
    inner join {{ ref('experience_module_scores_30d') }} as module_scores
        on
            targets.mall_id = module_scores.mall_id
            and targets.as_of_date = module_scores.as_of_date
    inner join {{ ref('help_seeking_rate_30d') }} as help_rates
        on
            module_scores.mall_id = help_rates.mall_id
            and module_scores.as_of_date = help_rates.as_of_date
            and module_scores.module = help_rates.module

),

reductions as (

    select
        *,
        unnest(range(help_orders_30d + 1)) as avoided,
        greatest(platform_help_orders_30d - avoided, 0) / grouped_orders_30d
            as platform_help_rate,
        (help_orders_30d - avoided) / grouped_orders_30d as help_seeking_rate
    from modules

),

evaluated as (

    select
        *,
        experience_score + weight_share * (module_score - module_score_now)
            as score_then
    from ({{ assumed_module_scores('reductions') }})

),

answered as (

    select
        mall_id,
        as_of_date,
        module,
        experience_score,
        score_target,
        module_score_now,
        grouped_orders_30d,
        help_orders_30d,
        platform_help_orders_30d,
        max(score_then) as best_score,
        min(avoided) filter (round(score_then, 12) >= score_target)
            as help_orders_to_avoid,
        min_by(score_then, avoided) filter (
            round(score_then, 12) >= score_target
        ) as score_then
    from evaluated
    group by all

),

final as (

    select
        *,
        case
            when help_orders_to_avoid is not null
                then least(help_orders_to_avoid, platform_help_orders_30d)
        end as platform_help_orders_to_avoid,
        case
            when score_target is null then 'no_higher_tier'
            when help_orders_to_avoid = 0 then 'reached'
            when help_orders_to_avoid > 0 then 'reachable'
            else 'not_reachable'
        end as gap_status,
        min(help_orders_to_avoid) over (partition by mall_id)
            as smallest_reduction
    from answered
    order by mall_id, help_orders_to_avoid nulls last, module

)

select * from final
