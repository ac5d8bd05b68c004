-- Our figures that the platform's score page shows too, under its names. A view:
-- few of them are ever asked for, those of the days of landed pages.
{{ config(materialized='view') }}

with

help_rates as (

    select * from {{ ref('int_help_rates_30d') }}

),

totals as (

    select * from help_rates
    where breakdown = 'module' and member = 'all'

),

problems as (

    select
        help_rates.mall_id,
        help_rates.as_of_date,
        problems.name_zh as item,
        help_rates.help_orders_30d,
        totals.help_orders_30d as mall_help_orders_30d
    from help_rates
    inner join {{ ref('problems') }} as problems
        on help_rates.member = problems.problem_code
    inner join totals
        on
            help_rates.mall_id = totals.mall_id
            and help_rates.as_of_date = totals.as_of_date
    where help_rates.breakdown = 'problem'

),

gathered as (

    select
        mall_id,
        as_of_date,
        'experience_score' as measure,
        experience_score as our_value
    from {{ ref('int_experience_scores') }}
    union all by name
    select
        mall_id,
        as_of_date,
        'change_7d' as measure,
        change_7d as our_value
    from {{ ref('int_experience_scores') }}
    union all by name
    select
        mall_id,
        as_of_date,
        'module_score' as measure,
        module as item,
        module_score as our_value
    from {{ ref('int_experience_module_scores') }}
    union all by name
    select
        mall_id,
        as_of_date,
        'platform_help_rate' as measure,
        platform_help_orders_30d as our_numerator,
        grouped_orders_30d as our_denominator,
        platform_help_rate as our_value
    from totals
    union all by name
    select
        mall_id,
        as_of_date,
        'problem_help_orders' as measure,
        item,
        help_orders_30d as our_value
    from problems
    union all by name
    select
        mall_id,
        as_of_date,
        'problem_share' as measure,
        item,
        help_orders_30d as our_numerator,
        mall_help_orders_30d as our_denominator,
        help_orders_30d / nullif(mall_help_orders_30d, 0) as our_value
    from problems

),

final as (

    select
        mall_id,
        as_of_date,
        measure,
        item,
        cast(our_value as double) as our_value,
        cast(our_numerator as double) as our_numerator,
        cast(our_denominator as double) as our_denominator
    from gathered

)

select * from final
