-- Buyers whose messages, orders or refund requests are other ones now.
with

touched as (

    select
        mall_id,
        buyer_uid
    from {{ ref('int_touched_buyer_days') }}
    union
    select
        mall_id,
        buyer_uid
    from {{ changes_of('int_orders_classified') }}
    union
    select
        mall_id,
        buyer_uid
    from {{ changes_of('int_refund_requests') }}

),

final as (

    select
        mall_id,
        buyer_uid
    from touched
    where buyer_uid is not null

)

select * from final
