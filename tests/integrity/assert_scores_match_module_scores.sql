-- What: experience_score, its display, status, costliest module and tier,
-- made anew from the published module scores, the orders and the seed of tiers.
-- The score may differ in the tenth digit, and losses that do not are a tie: a
-- sum of fractions has its last digits by the order in which it is added.
-- When it matters: a mall is restricted, or refused a campaign, by a score
-- that its modules do not give.
-- How to resolve: the failing row shows both routes. If only the tier differs,
-- look at the score's own digits near a threshold; else compare
-- experience_module_scores_30d with int_experience_scores.
with

module_scores as (

    select
        *,
        round(weight * (5 - module_score), 10) as loss
    from {{ ref('experience_module_scores_30d') }}

),

module_weights as (

    select * from {{ ref('module_weights') }}

),

scores as (

    select * from {{ ref('experience_score_30d') }}

),

averaged as (

    select
        module_scores.mall_id,
        module_scores.as_of_date,
        sum(module_scores.weight * module_scores.module_score)
        / sum(module_scores.weight) as score,
        arg_min(
            module_scores.module,
            (-module_scores.loss, module_weights.position)
        ) filter (module_scores.module_score is not null) as costliest_module
    from module_scores
    inner join module_weights
        on module_scores.module = module_weights.module
    group by module_scores.mall_id, module_scores.as_of_date

),

recomputed as (

    select
        scores.mall_id,
        scores.as_of_date,
        case
            when abs(averaged.score - scores.experience_score) <= 1e-10
                then scores.experience_score
            else averaged.score
        end as experience_score,
        averaged.costliest_module,
        case
            when scores.grouped_orders_30d >= {{ var('score_min_orders') }}
                then 'scored'
            else 'insufficient_orders'
        end as score_status,
        -- A half cent goes up: the nudge is far below any other difference.
        coalesce(format('{:.2f}', scores.experience_score + 1e-9), '--')
            as score_display,
        (
            select arg_max(score_tiers.tier, score_tiers.min_score)
            from {{ ref('score_tiers') }} as score_tiers
            where score_tiers.min_score <= scores.experience_score + 1e-12
        ) as score_tier
    from scores
    left join averaged
        on
            scores.mall_id = averaged.mall_id
            and scores.as_of_date = averaged.as_of_date

),

published as (

    select
        mall_id,
        as_of_date,
        experience_score,
        costliest_module,
        score_status,
        score_display,
        score_tier
    from scores

)

{{ rows_that_differ('recomputed', 'published') }}
