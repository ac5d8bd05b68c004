{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_published_orders',
            'touched_key': ['order_sn'],
        },
    )
}}

with

orders as (

    select * from {{ only_touched(
        ref('int_orders_classified'), by='int_touched_published_orders',
        key=['order_sn']
    ) }}

),

final as (

    select
        orders.order_sn,
        orders.mall_id,
        {{ buyer_key('orders.mall_id', 'orders.buyer_uid') }} as buyer_key,
        attributions.attributed_cs_uid,
        attributions.attribution_step,
        cast(orders.goods_count as bigint) as goods_count,
        orders.pay_amount,
        orders.is_grouped,
        orders.is_paid,
        orders.refunded_at is not null as is_refunded,
        orders.confirm_date,
        attributions.attributed_consult_date,
        orders.created_at,
        orders.paid_at,
        orders.confirmed_at,
        orders.received_at,
        orders.refunded_at
    from orders
    left join {{ only_touched(
        ref('int_order_attributions'), by='int_touched_published_orders',
        key=['order_sn']
    ) }} as attributions
        on orders.order_sn = attributions.order_sn

)

select * from final
