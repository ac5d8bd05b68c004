-- Refunds that came, changed or went, and those of an order that did, or that
-- another buyer named: the order tells whose refund it is.
with

orders as (

    select order_sn from {{ changes_of('base_pdd__orders') }}
    union
    select order_sn from {{ changes_of('int_order_buyers') }}

),

touched as (

    select refund_id from {{ changes_of('base_pdd__refunds') }}
    union
    select versions.refund_id
    from {{ ref('base_pdd__refunds') }} as versions
    semi join orders
        on versions.order_sn = orders.order_sn

),

final as (

    select refund_id from touched
    where refund_id is not null

)

select * from final
