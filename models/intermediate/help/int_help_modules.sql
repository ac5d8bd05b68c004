with

final as (

    select module from {{ ref('problems') }}
    union
    select module from {{ ref('module_weights') }}
    union
    select unnest(['unknown', 'all']) as module

)

select * from final
