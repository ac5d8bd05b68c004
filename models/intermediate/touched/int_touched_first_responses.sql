-- Refund requests that are other ones now, and those whose buyer's messages are on a
-- day on which they may be answered.
with

-- A request is answered within 72 hours: on its day or one of the three after it.
created_days as (

    select
        mall_id,
        buyer_uid,
        service_date - cast(unnest(range(4)) as integer) as created_date
    from {{ ref('int_touched_buyer_days') }}

),

final as (

    select
        refund_id,
        created_date
    from {{ changes_of('int_refund_requests') }}
    union
    select
        stored.refund_id,
        stored.created_date
    from {{ touched_rows_of(
        ref('int_refund_requests'), 'created_days',
        ['mall_id', 'buyer_uid', 'created_date']
    ) }}

)

select * from final
