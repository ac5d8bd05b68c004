-- Refunds that came, changed or went, those of touched orders (an order tells
-- whose refund it is), and those of touched buyers (who was answered?).
with

touched as (

    select refund_id from {{ changes_of('base_pdd__refunds') }}
    union
    select versions.refund_id
    from {{ ref('base_pdd__refunds') }} as versions
    semi join {{ ref('int_touched_orders') }} as orders
        on versions.order_sn = orders.order_sn
    union
    select versions.refund_id
    from {{ ref('base_pdd__refunds') }} as versions
    semi join {{ ref('int_touched_buyers') }} as buyers
        on
            versions.mall_id = buyers.mall_id
            and versions.buyer_uid = buyers.buyer_uid

),

final as (

    select refund_id from touched
    where refund_id is not null

)

select * from final
