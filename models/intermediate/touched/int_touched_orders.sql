-- Orders that came, changed or went, or whose refunds did, those that another
-- buyer is now the only one to have named, and every order of a touched buyer: his
-- messages decide to whom it is attributed.
with

orders_of_buyers as (

    select versions.order_sn
    from {{ ref('base_pdd__orders') }} as versions
    semi join {{ ref('int_touched_buyers') }} as touched
        on
            versions.mall_id = touched.mall_id
            and versions.buyer_uid = touched.buyer_uid
    union
    select named.order_sn
    from {{ ref('int_order_buyers') }} as named
    semi join {{ ref('int_touched_buyers') }} as touched
        on
            named.mall_id = touched.mall_id
            and named.buyer_uid = touched.buyer_uid

),

touched as (

    select order_sn from {{ changes_of('base_pdd__orders') }}
    union
    select order_sn
    from {{ rows_of_changed_keys('base_pdd__refunds', ['order_sn']) }}
    union
    select order_sn from {{ changes_of('int_order_buyers') }}
    union
    select order_sn from orders_of_buyers

),

final as (

    select order_sn from touched
    where order_sn is not null

)

select * from final
