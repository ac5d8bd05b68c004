with

problems as (

    select * from {{ ref('problems') }}

),

final as (

    select
        problem_code,
        module,
        name_zh,
        name_en,
        is_routine,
        is_quality
    from problems

    union all

    select
        'unknown' as problem_code,
        'unknown' as module,
        '未知' as name_zh,
        'Unknown' as name_en,
        false as is_routine,
        false as is_quality

)

select * from final
