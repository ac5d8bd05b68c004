{{ config(materialized='view') }}

with

orders as (

    select * from {{ ref('stg_pdd__orders') }}

),

order_buyers as (

    select * from {{ ref('int_order_buyers') }}

),

final as (

    select
        orders.mall_id,
        orders.order_sn,
        orders.goods_id,
        orders.order_status,
        orders.group_status,
        orders.confirm_status,
        orders.refund_status,
        orders.after_sales_status,
        orders.risk_control_status,
        orders.is_lucky_flag,
        orders.goods_count,
        orders.goods_amount,
        orders.discount_amount,
        orders.postage,
        orders.pay_amount,
        orders.created_at,
        orders.paid_at,
        orders.confirmed_at,
        orders.shipped_at,
        orders.received_at,
        orders.updated_at,
        orders.loaded_at,
        orders.load_date,
        coalesce(orders.buyer_uid, order_buyers.buyer_uid) as buyer_uid,
        case
            when orders.buyer_uid is null then coalesce(order_buyers.buyers, 0)
        end as buyers_named
    from orders
    left join order_buyers
        on
            orders.mall_id = order_buyers.mall_id
            and orders.order_sn = order_buyers.order_sn

)

select * from final
