{%- set touched = {'by': 'int_touched_as_of_dates', 'key': ['as_of_date']} %}
{{ config(
    materialized='incremental',
    meta={'touched_by': touched.by, 'touched_key': touched.key},
) }}

with

module_scores as (

    select * from {{ only_touched(
        ref('int_experience_module_scores'), by='int_touched_compared_dates',
        key=['as_of_date']
    ) }}

),

peer_groups as (

    select * from {{ only_touched(ref('int_experience_peer_groups'), **touched) }}

),

averaged as (

    -- Sums in the seed's order, so that two runs add the same way.
    select
        mall_id,
        as_of_date,
        sum(weight * module_score order by position)
        / nullif(sum(weight order by position), 0) as weighted_mean,
        arg_min(
            module, (-round(weight * (5 - module_score), 10), position)
        ) as costliest_module
    from module_scores
    group by mall_id, as_of_date

),

scores as (

    -- Uneven weights can lift a mean of fives above 5 by its last digit.
    select
        mall_id,
        as_of_date,
        costliest_module,
        case when weighted_mean > 5 then 5 else weighted_mean end
            as experience_score
    from averaged

),

grouped as (

    select
        peer_groups.*,
        scores.experience_score,
        scores.costliest_module,
        round(scores.experience_score, 10) as rounded_score
    from peer_groups
    inner join scores
        on
            peer_groups.mall_id = scores.mall_id
            and peer_groups.as_of_date = scores.as_of_date

),

ranked as (

    select
        *,
        count(*) over (
            partition by as_of_date, comparison, peer_group
        ) as peers,
        rank() over (
            partition by as_of_date, comparison, peer_group
            order by rounded_score desc
        ) as score_rank,
        rank() over (
            partition by as_of_date, comparison, peer_group
            order by rounded_score
        ) - 1 as malls_with_lower,
        count(*) over (
            partition by as_of_date, comparison, peer_group, rounded_score
        ) as malls_with_same
    from grouped

),

final as (

    select
        ranked.mall_id,
        ranked.as_of_date,
        ranked.experience_score,
        ranked.costliest_module,
        ranked.score_rank as category_rank,
        {{ half_tie_percentile(
            'ranked.malls_with_lower', 'ranked.malls_with_same', 'ranked.peers'
        ) }} as category_percentile,
        ranked.experience_score - week_before.experience_score as change_7d,
        (ranked.experience_score - week_before.experience_score)
        / nullif(week_before.experience_score, 0) as change_ratio_7d
    from ranked
    left join scores as week_before
        on
            ranked.mall_id = week_before.mall_id
            and ranked.as_of_date = week_before.as_of_date + 7
    where ranked.is_own

)

select * from final
