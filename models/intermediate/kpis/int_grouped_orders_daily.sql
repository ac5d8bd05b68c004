{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_days',
            'touched_key': ['mall_id', 'service_date'],
        },
    )
}}

with

orders as (

    select * from {{ only_touched(
        ref('int_orders_classified'), by='int_touched_days',
        key={'mall_id': 'mall_id', 'confirm_date': 'service_date'}
    ) }}
    where is_grouped

),

attributions as (

    select * from {{ only_touched(
        ref('int_order_attributions'), by='cte.orders',
        key=['order_sn', 'confirm_date']
    ) }}

),

final as (

    select
        'mall' as scope,
        orders.mall_id,
        orders.confirm_date as service_date,
        count(*) as grouped_orders,
        count(*) filter (orders.is_paid) as paid_grouped_orders,
        sum(orders.pay_amount) filter (orders.is_paid) as paid_grouped_amount,
        sum(orders.pay_amount) filter (attributions.order_sn is not null)
            as attributed_grouped_amount
    from orders
    left join attributions
        on orders.order_sn = attributions.order_sn
    group by orders.mall_id, orders.confirm_date

)

select * from final
