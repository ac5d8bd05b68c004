-- Whose visits in the distinct counts of 30 days may be other ones now.
with

final as (

    select
        'consult_buyers' as measure,
        mall_id,
        buyer_uid as member
    from {{ ref('int_touched_assessed') }}
    union
    select
        'intervention_orders' as measure,
        mall_id,
        order_sn as member
    from {{ changes_of('int_refund_requests') }}
    where order_sn is not null

)

select * from final
