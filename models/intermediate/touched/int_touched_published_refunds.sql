-- Refund requests that are other ones now, and those answered otherwise than
-- before.
with

final as (

    select refund_id from {{ changes_of('int_refund_requests') }}
    union
    select refund_id from {{ changes_of('int_refund_first_responses') }}

)

select * from final
