with

help_rates as (

    select * from {{ ref('int_help_rates_30d') }}
    where breakdown = 'module'

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
        module_weights.weight::double as weight
    from help_rates
    inner join module_weights
        on help_rates.member = module_weights.module
    left join {{ ref('int_experience_module_scores') }} as module_scores
        on
            help_rates.mall_id = module_scores.mall_id
            and help_rates.as_of_date = module_scores.as_of_date
            and help_rates.member = module_scores.module

)

select * from final
