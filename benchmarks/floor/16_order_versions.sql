create or replace temp table orders as
with

whole as (

    select * from ($contested_orders)
    where
        hash(order_sn) in (select key_hash from contested_orders)
        and mall_id is not null
        and is_event(created_time, _loaded_at)
        and not is_bad_amount(pay_amount)
        and not is_bad_count(goods_count)

),

last_forms as (

    select
        hash(order_sn) as key_hash,
        hash(
            mall_id, buyer_uid, confirm_time, receive_time,
            cast(group_status = 1 and confirm_status = 1 as boolean),
            coalesce(risk_control_status = 1, false),
            coalesce(is_lucky_flag = 2, false)
        ) as meaning
    from whole
    qualify
        row_number() over (
            partition by order_sn
            order by
                updated_at desc nulls last,
                _loaded_at desc,
                concat_ws(
                    chr(31), mall_id, order_sn, coalesce(buyer_uid, ''),
                    epoch_ms(created_time) - 28800000,
                    coalesce(cast(epoch_ms(pay_time) - 28800000 as varchar), ''),
                    coalesce(cast(epoch_ms(confirm_time) - 28800000 as varchar), ''),
                    coalesce(cast(epoch_ms(shipping_time) - 28800000 as varchar), ''),
                    coalesce(cast(epoch_ms(receive_time) - 28800000 as varchar), ''),
                    coalesce(cast(epoch_ms(updated_at) - 28800000 as varchar), ''),
                    coalesce(cast(order_status as varchar), ''),
                    coalesce(cast(group_status as varchar), ''),
                    coalesce(cast(confirm_status as varchar), ''),
                    coalesce(cast(refund_status as varchar), ''),
                    coalesce(cast(after_sales_status as varchar), ''),
                    coalesce(cast(risk_control_status as varchar), ''),
                    coalesce(cast(is_lucky_flag as varchar), ''),
                    coalesce(goods_id, ''),
                    coalesce(cast(integer_of_text(goods_count) as varchar), ''),
                    coalesce(cast(goods_amount as varchar), ''),
                    coalesce(cast(discount_amount as varchar), ''),
                    coalesce(cast(postage as varchar), ''),
                    coalesce(cast(money_of_text(pay_amount) as varchar), '')
                ) desc
        ) = 1

),

current_orders as (

    select * exclude (meaning, version, loaded_at)
    from newest_orders
    where key_hash not in (select key_hash from tied_orders)
    union all
    select newest_orders.* exclude (meaning, version, loaded_at)
    from newest_orders
    left join last_forms using (key_hash)
    where key_hash in (select key_hash from tied_orders)
    qualify
        row_number() over (
            partition by key_hash
            order by newest_orders.meaning = last_forms.meaning desc
        ) = 1

)

select
    order_sn,
    mall_id,
    buyer_uid,
    confirmed_at,
    cast(confirmed_at as date) as confirm_date,
    cast(coalesce(received_at, confirmed_at) as date)
    + getvariable('after_sales_period_days') as after_sales_until,
    coalesce(is_confirmed, false)
    and confirmed_at is not null
    and not is_reviewed as is_grouped,
    is_reviewed or is_lottery as is_abnormal
from current_orders;
