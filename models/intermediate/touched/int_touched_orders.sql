-- Orders that came, changed or went, in any of their versions, those that another
-- buyer is now the only one to have named, and those refunded otherwise than before.
with

touched as (

    select order_sn from {{ changes_of('base_pdd__orders') }}
    union
    select order_sn from {{ changes_of('int_order_buyers') }}
    union
    select order_sn from {{ changes_of('int_refunded_orders') }}

),

final as (

    select order_sn from touched
    where order_sn is not null

)

select * from final
