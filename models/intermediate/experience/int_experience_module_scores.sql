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

percentiles as (

    select * from {{ only_touched(
        ref('int_experience_percentiles'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}

),

module_weights as (

    select * from {{ ref('module_weights') }}

),

scored as (

    {{ module_scores('percentiles', ref('score_curve')) }}

),

final as (

    select
        scored.mall_id,
        scored.as_of_date,
        scored.module,
        scored.platform_help_percentile,
        scored.help_seeking_percentile,
        scored.module_score,
        module_weights.weight::double as weight,
        module_weights.position
    from scored
    inner join module_weights
        on scored.module = module_weights.module

)

select * from final
