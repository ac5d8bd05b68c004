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

help_orders as (

    select * from {{ only_touched(
        ref('int_help_orders_30d'), by='int_touched_as_of',
        key=['mall_id', 'as_of_date']
    ) }}

),

kpi_30d as (

    select
        mall_id,
        as_of_date,
        grouped_orders as grouped_orders_30d
    from {{ only_touched(
        ref('int_kpi_30d'), by='int_touched_as_of',
        key=['mall_id', 'as_of_date']
    ) }}
    where scope = 'mall'

),

final as (

    select
        help_orders.mall_id,
        help_orders.as_of_date,
        help_orders.days_observed,
        help_orders.breakdown,
        help_orders.member,
        help_orders.help_orders_30d,
        help_orders.platform_help_orders_30d,
        help_orders.help_orders_merchant_chat,
        help_orders.help_orders_merchant_after_sales,
        help_orders.help_orders_platform_intervention,
        help_orders.help_orders_platform_online_cs,
        help_orders.help_orders_platform_hotline,
        help_orders.help_orders_complaint,
        kpi_30d.grouped_orders_30d,
        help_orders.help_orders_30d / nullif(kpi_30d.grouped_orders_30d, 0)
            as help_seeking_rate,
        help_orders.platform_help_orders_30d
        / nullif(kpi_30d.grouped_orders_30d, 0) as platform_help_rate
    from help_orders
    inner join kpi_30d
        on
            help_orders.mall_id = kpi_30d.mall_id
            and help_orders.as_of_date = kpi_30d.as_of_date

)

select * from final
