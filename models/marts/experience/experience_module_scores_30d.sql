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

help_rates as (

    select * from {{ only_touched(
        ref('int_help_rates_30d'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}
    where breakdown = 'module'

),

incomplete_days as (

    select * from {{ only_touched(
        ref('int_incomplete_days_30d'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}

),

module_weights as (

    select * from {{ ref('module_weights') }}

),

final as (

    select
        help_rates.mall_id,
        help_rates.as_of_date,
        help_rates.member as module,
        module_scores.module_score,
        module_scores.platform_help_percentile,
        module_scores.help_seeking_percentile,
        help_rates.platform_help_rate,
        help_rates.help_seeking_rate,
        module_weights.weight::double as weight,
        incomplete_days.incomplete_help_days_30d as incomplete_days_30d,
        incomplete_days.incomplete_help_days_30d = 0 as is_complete
    from help_rates
    left join incomplete_days
        on
            help_rates.mall_id = incomplete_days.mall_id
            and help_rates.as_of_date = incomplete_days.as_of_date
    inner join module_weights
        on help_rates.member = module_weights.module
    left join {{ only_touched(
        ref('int_experience_module_scores'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }} as module_scores
        on
            help_rates.mall_id = module_scores.mall_id
            and help_rates.as_of_date = module_scores.as_of_date
            and help_rates.member = module_scores.module

)

select * from final
