{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_as_of',
            'touched_key': ['mall_id', 'as_of_date'],
        },
    )
}}

with

help_rates as (

    select * from {{ only_touched(
        ref('int_help_rates_30d'), by='int_touched_as_of',
        key=['mall_id', 'as_of_date']
    ) }}
    where breakdown = 'module'

),

incomplete_days as (

    select * from {{ only_touched(
        ref('int_incomplete_days_30d'), by='int_touched_as_of',
        key=['mall_id', 'as_of_date']
    ) }}

),

final as (

    select
        help_rates.mall_id,
        help_rates.as_of_date,
        help_rates.member as module,
        help_rates.days_observed,
        help_rates.grouped_orders_30d,
        help_rates.help_orders_30d,
        help_rates.platform_help_orders_30d,
        help_rates.help_orders_merchant_chat,
        help_rates.help_orders_merchant_after_sales,
        help_rates.help_orders_platform_intervention,
        help_rates.help_orders_platform_online_cs,
        help_rates.help_orders_platform_hotline,
        help_rates.help_orders_complaint,
        help_rates.help_seeking_rate,
        help_rates.platform_help_rate,
        incomplete_days.incomplete_help_days_30d as incomplete_days_30d,
        incomplete_days.incomplete_help_days_30d = 0 as is_complete
    from help_rates
    left join incomplete_days
        on
            help_rates.mall_id = incomplete_days.mall_id
            and help_rates.as_of_date = incomplete_days.as_of_date

)

select * from final
