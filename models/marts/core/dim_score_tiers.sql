with

score_tiers as (

    select * from {{ ref('score_tiers') }}

),

final as (

    select
        tier,
        min_score::double as min_score
    from score_tiers

)

select * from final
