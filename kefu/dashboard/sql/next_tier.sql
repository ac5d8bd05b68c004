-- What lifts a mall to its next tier: of each module alone the fewest help
-- orders that must not have been, the other modules, the peers and the mall's
-- grouped orders being as they are. Orders that went to the platform count in
-- both rates and are taken away first: fewer cannot do. The same arithmetic as
-- the analysis score_gap.
with

scored as (

    select
        modules.mall_id,
        modules.module,
        modules.module_score,
        modules.weight
        / sum(modules.weight) over (partition by modules.mall_id)
            as weight_share,
        modules.platform_help_rate,
        modules.help_seeking_rate,
        scores.experience_score,
        scores.category_name,
        scores.peer_scope
    from experience_module_scores_30d as modules
    inner join experience_score_30d as scores
        on
            modules.mall_id = scores.mall_id
            and modules.as_of_date = scores.as_of_date
    where scores.as_of_date = $as_of and scores.score_status = 'scored'

),

own as (

    select
        scored.*,
        help.grouped_orders_30d,
        help.help_orders_30d,
        help.platform_help_orders_30d,
        (
            select min(min_score)
            from dim_score_tiers
            where min_score > round(scored.experience_score, 12)
        ) as score_target
    from scored
    inner join help_seeking_rate_30d as help
        on
            scored.mall_id = help.mall_id
            and scored.module = help.module
            and help.as_of_date = $as_of
    where scored.mall_id = $mall_id

),

assumed as (

    select
        own.*,
        avoided.avoided,
        greatest(platform_help_orders_30d - avoided.avoided, 0)
        / grouped_orders_30d as platform_rate,
        (help_orders_30d - avoided.avoided) / grouped_orders_30d as help_rate
    from own
    cross join (
        select unnest(range((select max(help_orders_30d) + 1 from own)))
            as avoided
    ) as avoided
    where avoided.avoided <= own.help_orders_30d

),

compared as (

    select
        assumed.module,
        assumed.avoided,
        count(others.mall_id) as others,
        count_if(others.platform_help_rate > assumed.platform_rate)
        + count_if(others.platform_help_rate = assumed.platform_rate) / 2
            as platform_beaten,
        count_if(others.help_seeking_rate > assumed.help_rate)
        + count_if(others.help_seeking_rate = assumed.help_rate) / 2
            as help_beaten
    from assumed
    left join scored as others
        on
            assumed.module = others.module
            and assumed.mall_id != others.mall_id
            and (
                assumed.peer_scope = 'all'
                or assumed.category_name = others.category_name
            )
    group by assumed.module, assumed.avoided

),

placed as (

    select
        *,
        case
            when others = 0 then 0.5
            else (7 * (platform_beaten / others) + 3 * (help_beaten / others))
                / 10
        end as standing
    from compared

),

curve as (

    select
        x,
        y,
        lead(x) over (order by x) as next_x,
        lead(y) over (order by x) as next_y
    from dim_score_curve

),

evaluated as (

    select
        placed.module,
        placed.avoided,
        5 * case
            when curve.x is null
                then (select arg_min(y, x) from dim_score_curve)
            when curve.next_x is null then curve.y
            else
                curve.y
                + (placed.standing - curve.x)
                * (curve.next_y - curve.y) / (curve.next_x - curve.x)
        end as module_score_then
    from placed
    asof left join curve
        on placed.standing >= curve.x

),

answered as (

    select
        own.module,
        own.experience_score,
        own.score_target,
        own.module_score,
        own.weight_share,
        own.grouped_orders_30d,
        own.help_orders_30d,
        own.platform_help_orders_30d,
        evaluated.avoided,
        own.experience_score
        + own.weight_share * (evaluated.module_score_then - own.module_score)
            as score_then
    from own
    inner join evaluated
        on own.module = evaluated.module

),

final as (

    select
        module,
        experience_score,
        score_target,
        module_score,
        weight_share,
        grouped_orders_30d,
        help_orders_30d,
        platform_help_orders_30d,
        max(score_then) as best_score,
        min(avoided) filter (round(score_then, 12) >= score_target)
            as help_orders_to_avoid,
        min_by(score_then, avoided)
            filter (round(score_then, 12) >= score_target) as score_then
    from answered
    group by all

)

select
    *,
    score_target - experience_score as gap,
    weight_share * (5 - module_score) as lost_points,
    least(help_orders_to_avoid, platform_help_orders_30d)
        as platform_help_orders_to_avoid
from final
order by help_orders_to_avoid nulls last, best_score desc, module
