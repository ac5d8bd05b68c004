-- What: change_7d and change_ratio_7d follow from the published score of the
-- same mall 7 days before, and are NULL without one. No tolerance.
-- When it matters: a mall is said to rise or fall against another day, or
-- against nothing.
-- How to resolve: look up the mall's rows of the failing date and of 7 days
-- before; int_experience_scores joins them.
with

scores as (

    select * from {{ ref('experience_score_30d') }}

),

recomputed as (

    select
        current_scores.mall_id,
        current_scores.as_of_date,
        current_scores.experience_score - week_before.experience_score as change_7d,
        (current_scores.experience_score - week_before.experience_score)
        / nullif(week_before.experience_score, 0) as change_ratio_7d
    from scores as current_scores
    left join scores as week_before
        on
            current_scores.mall_id = week_before.mall_id
            and current_scores.as_of_date = week_before.as_of_date + 7

),

published as (

    select
        mall_id,
        as_of_date,
        change_7d,
        change_ratio_7d
    from scores

)

{{ rows_that_differ('recomputed', 'published') }}
