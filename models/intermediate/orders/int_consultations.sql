{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_buyers',
            'touched_key': ['mall_id', 'buyer_uid'],
            'changes': {'mall_id': 'varchar', 'service_date': 'date'},
        },
    )
}}

with

buyer_days as (

    select * from {{ only_touched(
        ref('int_buyer_days'), by='int_touched_buyers',
        key=['mall_id', 'buyer_uid']
    ) }}
    where is_consulted

),

orders as (

    select * from {{ only_touched(
        ref('int_orders_classified'), by='int_touched_buyers',
        key=['mall_id', 'buyer_uid']
    ) }}
    where is_grouped and buyer_uid is not null

),

order_flags as (

    select
        buyer_days.mall_id,
        buyer_days.buyer_uid,
        buyer_days.service_date,
        bool_or(
            orders.confirm_date < buyer_days.service_date
            and orders.after_sales_until >= buyer_days.service_date
        ) as has_order_in_after_sales,
        bool_or(
            orders.confirm_date
            between buyer_days.service_date and buyer_days.service_date + 1
        ) as has_new_order,
        bool_or(
            orders.is_paid
            and orders.confirmed_at > buyer_days.first_buyer_message_at
            and orders.confirm_date between buyer_days.service_date
            and buyer_days.service_date
            + ({{ var('conversion_window_days') }} - 1)
        ) as has_converting_order
    from buyer_days
    inner join orders
        on
            buyer_days.mall_id = orders.mall_id
            and buyer_days.buyer_uid = orders.buyer_uid
    group by all

),

flagged as (

    select
        buyer_days.*,
        coalesce(
            order_flags.has_order_in_after_sales
            and not order_flags.has_new_order,
            false
        ) as is_after_sales_consult,
        coalesce(order_flags.has_converting_order, false)
            as has_converting_order
    from buyer_days
    left join order_flags
        on
            buyer_days.mall_id = order_flags.mall_id
            and buyer_days.buyer_uid = order_flags.buyer_uid
            and buyer_days.service_date = order_flags.service_date

),

final as (

    select
        flagged.mall_id,
        flagged.buyer_uid,
        flagged.service_date,
        flagged.agents_involved,
        flagged.is_robot_only,
        flagged.is_after_sales_consult,
        not flagged.is_after_sales_consult as is_inquiry,
        not flagged.is_after_sales_consult
        and flagged.is_served_after_first_message
        and flagged.has_converting_order as is_converted
    from flagged

)

select * from final
