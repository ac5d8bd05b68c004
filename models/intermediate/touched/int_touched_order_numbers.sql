-- Order numbers that a message carries which came, changed or went, in any of its
-- versions: another buyer, or none, may be the only one who named the order.
with

touched as (

    select * from {{ rows_of_changed_keys(
        'base_pdd__messages', ['mall_id', 'order_sn']
    ) }}

),

final as (

    select
        mall_id,
        order_sn
    from touched
    where
        mall_id is not null
        and order_sn is not null
        and {{ var('resolve_order_buyers') }}
    group by mall_id, order_sn

)

select * from final
