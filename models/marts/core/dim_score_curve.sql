with

score_curve as (

    select * from {{ ref('score_curve') }}

),

final as (

    select
        x::double as x,
        y::double as y
    from score_curve

)

select * from final
