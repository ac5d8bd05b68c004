{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_as_of_dates',
            'touched_key': ['as_of_date'],
        },
    )
}}

with

peers as (

    select * from {{ only_touched(
        ref('int_experience_peers'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}

),

scores as (

    select * from {{ only_touched(
        ref('int_experience_scores'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}

),

help_rates as (

    select * from {{ only_touched(
        ref('int_help_rates_30d'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}
    where breakdown = 'module' and member = 'all'

),

incomplete_days as (

    select * from {{ only_touched(
        ref('int_incomplete_days_30d'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}

),

score_tiers as (

    select
        tier,
        cast(min_score as double) as min_score
    from {{ ref('score_tiers') }}

),

placed as (

    -- Twelve digits take away what binary fractions add: a score of exactly 3
    -- reaches the tier that begins at 3.
    select
        scores.*,
        score_tiers.tier as score_tier
    from scores
    asof left join score_tiers
        on round(scores.experience_score, 12) >= score_tiers.min_score

),

final as (

    select
        peers.mall_id,
        peers.as_of_date,
        peers.category_name,
        placed.experience_score,
        case when peers.is_scored then 'scored' else 'insufficient_orders' end
            as score_status,
        -- By way of a decimal: 2.525 shows as 2.53, whatever its binary form.
        coalesce(
            cast(
                cast(
                    cast(placed.experience_score as decimal(18, 10))
                    as decimal(18, 2)
                ) as varchar
            ),
            '--'
        ) as score_display,
        peers.peer_scope,
        placed.category_rank,
        placed.category_percentile,
        placed.change_7d,
        placed.change_ratio_7d,
        placed.costliest_module,
        placed.score_tier,
        peers.grouped_orders_30d,
        help_rates.platform_help_rate,
        incomplete_days.incomplete_help_days_30d as incomplete_days_30d,
        incomplete_days.incomplete_help_days_30d = 0 as is_complete
    from peers
    inner join help_rates
        on
            peers.mall_id = help_rates.mall_id
            and peers.as_of_date = help_rates.as_of_date
    left join incomplete_days
        on
            peers.mall_id = incomplete_days.mall_id
            and peers.as_of_date = incomplete_days.as_of_date
    left join placed
        on
            peers.mall_id = placed.mall_id
            and peers.as_of_date = placed.as_of_date

)

select * from final
