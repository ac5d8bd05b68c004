with

help_rates as (

    select * from {{ ref('int_help_rates_30d') }}
    where breakdown = 'module'

),

final as (

    select
        mall_id,
        as_of_date,
        member as module,
        days_observed,
        grouped_orders_30d,
        help_orders_30d,
        platform_help_orders_30d,
        help_orders_merchant_chat,
        help_orders_merchant_after_sales,
        help_orders_platform_intervention,
        help_orders_platform_online_cs,
        help_orders_platform_hotline,
        help_orders_complaint,
        help_seeking_rate,
        platform_help_rate
    from help_rates

)

select * from final
