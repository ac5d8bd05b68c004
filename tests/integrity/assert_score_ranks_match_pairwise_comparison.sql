-- What: peer_scope, category_rank and category_percentile of the experience
-- score, made anew by comparing each scored mall with each of its peers in
-- turn, on scores rounded to ten digits. No tolerance beside that rounding.
-- When it matters: a mall is told that it is the best of its category when it
-- is not, or is ranked among the wrong malls.
-- How to resolve: list the scored malls of the failing date with category and
-- score; fewer than score_min_peers of the category mean all scored malls.
with

scores as (

    select
        *,
        round(experience_score, 10) as rounded_score
    from {{ ref('experience_score_30d') }}
    where score_status = 'scored'

),

category_sizes as (

    select
        as_of_date,
        category_name,
        count(*) as malls
    from scores
    group by as_of_date, category_name

),

own_scope as (

    select
        scores.mall_id,
        scores.as_of_date,
        scores.category_name,
        scores.rounded_score,
        case
            when category_sizes.malls >= {{ var('score_min_peers') }}
                then 'category'
            else 'all'
        end as peer_scope
    from scores
    inner join category_sizes
        on
            scores.as_of_date = category_sizes.as_of_date
            and scores.category_name = category_sizes.category_name

),

recomputed as (

    select
        own.mall_id,
        own.as_of_date,
        own.peer_scope,
        1 + count(*) filter (peer.rounded_score > own.rounded_score)
            as category_rank,
        coalesce(
            (
                count(*) filter (peer.rounded_score < own.rounded_score)
                + count(*) filter (peer.rounded_score = own.rounded_score) / 2
            ) / nullif(count(peer.mall_id), 0),
            0.5
        ) as category_percentile
    from own_scope as own
    left join scores as peer
        on
            own.as_of_date = peer.as_of_date
            and own.mall_id != peer.mall_id
            and (
                own.peer_scope = 'all'
                or own.category_name = peer.category_name
            )
    group by own.mall_id, own.as_of_date, own.peer_scope

),

published as (

    select
        mall_id,
        as_of_date,
        peer_scope,
        category_rank,
        category_percentile
    from scores

)

{{ rows_that_differ('recomputed', 'published') }}
