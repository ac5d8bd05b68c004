-- Orders that came, changed or went, or whose refunds did, and every order of a
-- touched buyer: his messages decide to whom it is attributed.
with

orders_of_buyers as (

    select versions.order_sn
    from {{ ref('base_pdd__orders') }} as versions
    semi join {{ ref('int_touched_buyers') }} as touched
        on
            versions.mall_id = touched.mall_id
            and versions.buyer_uid = touched.buyer_uid

),

touched as (

    select order_sn from {{ changes_of('base_pdd__orders') }}
    union
    select order_sn
    from {{ rows_of_changed_keys('base_pdd__refunds', ['order_sn']) }}
    union
    select order_sn from orders_of_buyers

),

final as (

    select order_sn from touched
    where order_sn is not null

)

select * from final
