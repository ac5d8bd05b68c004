-- What: the percentiles of each module's rates and the module score, made anew
-- by comparing each scored mall with each of its peers in turn, on every
-- seventh as-of date (pairs are many), to ten digits after the point: the
-- score is a product of fractions.
-- When it matters: a mall is measured against the wrong malls, or a better
-- rate gives a worse score.
-- How to resolve: list the scored malls of the failing date with their
-- category and rates; peer_scope of experience_score_30d tells against which
-- of them the mall is measured.
with

scored as (

    select * from {{ ref('experience_score_30d') }}
    where
        score_status = 'scored'
        and (as_of_date - date '2015-09-01') % 7 = 0

),

module_scores as (

    select
        modules.mall_id,
        modules.as_of_date,
        modules.module,
        scored.category_name,
        scored.peer_scope,
        modules.platform_help_rate as platform_rate,
        modules.help_seeking_rate as help_rate,
        modules.platform_help_percentile as platform_percentile,
        modules.help_seeking_percentile as help_percentile,
        modules.module_score
    from {{ ref('experience_module_scores_30d') }} as modules
    inner join scored
        on
            modules.mall_id = scored.mall_id
            and modules.as_of_date = scored.as_of_date

),

score_curve as (

    select
        x::double as x,
        y::double as y,
        lead(x::double) over (order by x) as next_x,
        lead(y::double) over (order by x) as next_y
    from {{ ref('score_curve') }}

),

compared as (

    select
        own.mall_id,
        own.as_of_date,
        own.module,
        count(peer.mall_id) as other_peers,
        count(*) filter (peer.platform_rate > own.platform_rate)
        + count(*) filter (peer.platform_rate = own.platform_rate) / 2
            as platform_beaten,
        count(*) filter (peer.help_rate > own.help_rate)
        + count(*) filter (peer.help_rate = own.help_rate) / 2
            as help_beaten
    from module_scores as own
    left join module_scores as peer
        on
            own.as_of_date = peer.as_of_date
            and own.module = peer.module
            and own.mall_id != peer.mall_id
            and (
                own.peer_scope = 'all'
                or own.category_name = peer.category_name
            )
    group by own.mall_id, own.as_of_date, own.module

),

placed as (

    select
        *,
        coalesce(platform_beaten / nullif(other_peers, 0), 0.5)
            as platform_percentile,
        coalesce(help_beaten / nullif(other_peers, 0), 0.5)
            as help_percentile,
        -- Rounded, so that 0.3 on paper reaches a step of the curve at 0.3.
        round(
            0.7::double * platform_percentile + 0.3::double * help_percentile,
            12
        ) as standing
    from compared

),

recomputed as (

    select
        placed.mall_id,
        placed.as_of_date,
        placed.module,
        placed.platform_percentile,
        placed.help_percentile,
        5 * case
            when score_curve.next_x is null then score_curve.y
            else
                score_curve.y
                + (placed.standing - score_curve.x)
                / (score_curve.next_x - score_curve.x)
                * (score_curve.next_y - score_curve.y)
        end as module_score
    from placed
    inner join score_curve
        on
            placed.standing >= score_curve.x
            and placed.standing < coalesce(score_curve.next_x, 2)

),

published as (

    select * from module_scores

)

{{ figures_that_differ(
    'recomputed', 'published',
    key=['mall_id', 'as_of_date', 'module'],
    figures=['platform_percentile', 'help_percentile', 'module_score']
) }}
