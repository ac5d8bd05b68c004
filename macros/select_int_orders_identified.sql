{# The view int_orders_identified, and for only_touched its touched rows, by
   order_sn alone: whose an order is, is told here. #}
{% macro select_int_orders_identified(touched=none) -%}
with

orders as (

    {% if touched -%}
        {{ select_stg_pdd__orders(touched) }}
    {%- else -%}
        select * from {{ ref('stg_pdd__orders') }}
    {%- endif %}

),

order_buyers as (

    select *
    from {% if touched -%}
            {{ only_touched(below('intermediate', 'int_order_buyers'), **touched) }}
        {%- else -%}
            {{ ref('int_order_buyers') }}
        {%- endif %}

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
{%- endmacro %}
