-- Touched days of buyers, those that a touched one reaches over midnight, and
-- those on which a message's shift may be another one now.
with

segments as (

    select * from {{ changes_of('int_shift_segments') }}

),

moved_between_shifts as (

    select
        messages.mall_id,
        messages.buyer_uid,
        messages.service_date
    from {{ ref('int_messages_sequenced') }} as messages
    semi join segments
        on
            messages.mall_id = segments.mall_id
            and messages.agent_cs_uid = segments.cs_uid
            and messages.service_date = segments.service_date
    union
    select
        messages.mall_id,
        messages.buyer_uid,
        messages.service_date
    from {{ ref('int_messages_sequenced') }} as messages
    semi join segments
        on
            messages.mall_id = segments.mall_id
            and messages.assigned_cs_uid = segments.cs_uid
            and messages.service_date = segments.service_date
    union
    select
        buyer_days.mall_id,
        buyer_days.buyer_uid,
        buyer_days.service_date
    from {{ ref('int_buyer_days_linked') }} as buyer_days
    semi join segments
        on
            buyer_days.mall_id = segments.mall_id
            and buyer_days.next_cs_uid = segments.cs_uid
            and buyer_days.service_date = segments.service_date

),

touched as (

    select
        mall_id,
        buyer_uid,
        service_date
    from {{ ref('int_touched_buyer_days') }}
    union
    select
        mall_id,
        buyer_uid,
        service_date
    from {{ changes_of('int_buyer_days_linked') }}
    union
    select * from moved_between_shifts

),

final as (

    select
        mall_id,
        buyer_uid,
        service_date,
        {{ buyer_key() }} as buyer_key
    from touched

)

select * from final
