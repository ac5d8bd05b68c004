-- Buyers of whom an order or a refund came, changed or went, in any of its
-- versions, and those who are, or were, the only ones to have named an order.
with

refunds as (

    select * from {{ rows_of_changed_keys(
        'base_pdd__refunds', ['mall_id', 'buyer_uid', 'order_sn']
    ) }}

),

order_numbers as (

    select order_sn from refunds
    union
    select order_sn from {{ changes_of('base_pdd__orders') }}

),

final as (

    select
        mall_id,
        buyer_uid
    from refunds
    union
    select * from {{ rows_of_changed_keys(
        'base_pdd__orders', ['mall_id', 'buyer_uid'],
        key='order_sn', keys='order_numbers'
    ) }}
    union
    select * from {{ rows_of_changed_keys(
        'int_order_buyers', ['mall_id', 'buyer_uid'],
        key='order_sn', keys='order_numbers'
    ) }}

)

select * from final
