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
        definition,
        kind,
        numerator,
        denominator,
        coalesce(agent_numerator, numerator) as agent_numerator,
        coalesce(agent_denominator, denominator) as agent_denominator,
        is_estimate
    from metrics

)

select * from final
