create or replace temp table peers as
with

current_malls as (

    select * from ($malls)
    where mall_id is not null and _loaded_at is not null
    qualify
        row_number() over (
            partition by mall_id
            order by
                _loaded_at desc,
                concat_ws(
                    chr(31), mall_id, coalesce(mall_name, ''),
                    coalesce(cast(merchant_type as varchar), ''),
                    coalesce(category_name, ''),
                    coalesce(cast(opened_on as varchar), '')
                ) desc
        ) = 1

),

eligible as (

    select
        help_rates.mall_id,
        help_rates.as_of_date,
        coalesce(current_malls.category_name, 'unknown') as category_name,
        help_rates.grouped_orders_30d,
        help_rates.platform_help_rate,
        help_rates.grouped_orders_30d >= getvariable('score_min_orders') as is_scored
    from help_rates
    left join current_malls using (mall_id)
    where help_rates.breakdown = 'module' and help_rates.member = 'all'

)

select
    *,
    case
        when not is_scored then null
        when
            count_if(is_scored) over (partition by as_of_date, category_name)
            < getvariable('score_min_peers')
            then 'all'
        else 'category'
    end as peer_scope
from eligible;

-- A mall is ranked among its category and among all; peer_scope says which counts.
create or replace temp table module_scores as
with

measured as (

    select
        peers.mall_id,
        peers.as_of_date,
        peers.category_name,
        peers.peer_scope,
        module_weights.module,
        cast(module_weights.weight as double) as weight,
        module_weights.position,
        help_rates.platform_help_rate,
        help_rates.help_seeking_rate
    from peers
    inner join help_rates
        on
            peers.mall_id = help_rates.mall_id
            and peers.as_of_date = help_rates.as_of_date
            and help_rates.breakdown = 'module'
    inner join module_weights on help_rates.member = module_weights.module
    where peers.is_scored

),

placed as (

    select
        *,
        $percentile_of_platform as platform_help_percentile,
        $percentile_of_help as help_seeking_percentile,
        (7 * platform_help_percentile + 3 * help_seeking_percentile) / 10 as standing
    from measured

),

curve as (

    select
        cast(x as double) as x,
        cast(y as double) as y,
        lead(cast(x as double)) over (order by x) as next_x,
        lead(cast(y as double)) over (order by x) as next_y
    from score_curve

)

select
    placed.*,
    5 * case
        when curve.x is null
            then (select arg_min(cast(y as double), cast(x as double)) from score_curve)
        when curve.next_x is null then curve.y
        else
            curve.y
            + (placed.standing - curve.x)
            * (curve.next_y - curve.y)
            / (curve.next_x - curve.x)
    end as module_score
from placed
asof left join curve on placed.standing >= curve.x;

create or replace table marts.experience_module_scores_30d as
select
    help_rates.mall_id,
    help_rates.as_of_date,
    help_rates.member as module,
    module_scores.module_score,
    module_scores.platform_help_percentile,
    module_scores.help_seeking_percentile,
    help_rates.platform_help_rate,
    help_rates.help_seeking_rate,
    cast(module_weights.weight as double) as weight
from help_rates
inner join module_weights on help_rates.member = module_weights.module
left join module_scores
    on
        help_rates.mall_id = module_scores.mall_id
        and help_rates.as_of_date = module_scores.as_of_date
        and help_rates.member = module_scores.module
where help_rates.breakdown = 'module';

create or replace temp table scores as
with

averaged as (

    select
        mall_id,
        as_of_date,
        any_value(category_name) as category_name,
        any_value(peer_scope) as peer_scope,
        sum(weight * module_score order by position)
        / nullif(sum(weight order by position), 0) as weighted_mean,
        case when weighted_mean > 5 then 5 else weighted_mean end
            as experience_score,
        round(experience_score, 10) as rounded_score,
        arg_min(module, (-round(weight * (5 - module_score), 10), position))
            as costliest_module
    from module_scores
    group by mall_id, as_of_date

)

select
    *,
    case
        when peer_scope = 'all'
            then rank() over (partition by as_of_date order by rounded_score desc)
        else
            rank() over (
                partition by as_of_date, category_name order by rounded_score desc
            )
    end as category_rank,
    $percentile_of_score as category_percentile
from averaged;

create or replace table marts.experience_score_30d as
select
    peers.mall_id,
    peers.as_of_date,
    peers.category_name,
    scores.experience_score,
    case when peers.is_scored then 'scored' else 'insufficient_orders' end
        as score_status,
    coalesce(
        cast(
            cast(cast(scores.experience_score as decimal(18, 10)) as decimal(18, 2))
            as varchar
        ),
        '--'
    ) as score_display,
    peers.peer_scope,
    scores.category_rank,
    scores.category_percentile,
    scores.experience_score - earlier.experience_score as change_7d,
    (scores.experience_score - earlier.experience_score)
    / nullif(earlier.experience_score, 0) as change_ratio_7d,
    scores.costliest_module,
    tiers.tier as score_tier,
    peers.grouped_orders_30d,
    peers.platform_help_rate
from peers
left join scores
    on peers.mall_id = scores.mall_id and peers.as_of_date = scores.as_of_date
left join scores as earlier
    on
        scores.mall_id = earlier.mall_id
        and scores.as_of_date = earlier.as_of_date + 7
asof left join (
    select tier, cast(min_score as double) as min_score from score_tiers
) as tiers
    on round(scores.experience_score, 12) >= tiers.min_score;
