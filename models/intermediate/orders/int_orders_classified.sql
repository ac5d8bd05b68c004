{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_orders',
            'touched_key': ['order_sn'],
            'changes': {
                'order_sn': 'varchar',
                'mall_id': 'varchar',
                'buyer_uid': 'varchar',
                'confirm_date': 'date',
                'after_sales_until': 'date',
            },
        },
    )
}}

with

orders as (

    select * from {{ only_touched(
        ref('int_orders_identified'), by='int_touched_orders',
        key=['order_sn']
    ) }}

),

refunded_orders as (

    select * from {{ only_touched(
        ref('int_refunded_orders'), by='int_touched_orders',
        key=['order_sn']
    ) }}

),

classified as (

    select
        *,
        coalesce(
            group_status = 1
            and confirmed_at is not null
            and confirm_status = 1
            and coalesce(risk_control_status, 0) != 1,
            false
        ) as is_grouped,
        paid_at is not null as is_paid,
        coalesce(risk_control_status = 1 or is_lucky_flag = 2, false)
            as is_abnormal,
        cast(confirmed_at as date) as confirm_date
    from orders

),

final as (

    select
        classified.order_sn,
        classified.mall_id,
        classified.buyer_uid,
        classified.goods_count,
        classified.pay_amount,
        classified.is_grouped,
        classified.is_paid,
        classified.is_abnormal,
        classified.created_at,
        classified.paid_at,
        classified.confirmed_at,
        classified.received_at,
        classified.confirm_date,
        refunded_orders.refunded_at,
        refunded_orders.refund_date,
        cast(
            coalesce(classified.received_at, classified.confirmed_at) as date
        ) + {{ var('after_sales_period_days') }} as after_sales_until
    from classified
    left join refunded_orders
        on
            classified.mall_id = refunded_orders.mall_id
            and classified.order_sn = refunded_orders.order_sn
    {{ lay_by_day('classified.confirm_date') }}

)

select * from final
