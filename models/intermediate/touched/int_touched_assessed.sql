-- Buyers of touched conversations, and those of whom a message's shift may be
-- another one now.
with

messages as (

    select
        mall_id,
        buyer_uid,
        service_date,
        {{ responsible_cs_uid() }} as cs_uid
    from {{ ref('int_messages_sequenced') }}

),

moved_between_shifts as (

    select
        messages.mall_id,
        messages.buyer_uid
    from messages
    semi join {{ changes_of('int_shift_segments') }} as segments
        on
            messages.mall_id = segments.mall_id
            and messages.cs_uid = segments.cs_uid
            and messages.service_date = segments.service_date

),

touched as (

    select
        mall_id,
        buyer_uid
    from {{ ref('int_touched_conversations') }}
    union
    select * from moved_between_shifts

),

final as (

    select
        mall_id,
        buyer_uid,
        {{ buyer_key() }} as buyer_key
    from touched

)

select * from final
