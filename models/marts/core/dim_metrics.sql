with

metrics as (

    select * from {{ ref('metrics') }}

),

final as (

    select
        metric,
        name_zh,
        name_en,
        unit,
        is_higher_better,
        source_mark,
        definition
    from metrics

)

select * from final
