with

versions as (

    select * from {{ ref('base_pdd__ratings') }}

),

final as (

    select
        landed.* exclude (load_date),
        load_date,
        reject_reason
    from versions
    where reject_reason is not null

)

select * from final
