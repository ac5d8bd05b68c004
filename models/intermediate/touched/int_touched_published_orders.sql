-- Orders that are other ones now, and those attributed otherwise than before.
with

final as (

    select order_sn from {{ changes_of('int_orders_classified') }}
    union
    select order_sn from {{ changes_of('int_order_attributions') }}

)

select * from final
