with

module_weights as (

    select * from {{ ref('module_weights') }}

),

final as (

    select
        cast(position as bigint) as position,
        module,
        cast(weight as double) as weight
    from module_weights

)

select * from final
