{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_assessed',
            'touched_key': ['mall_id', 'buyer_key', 'service_date'],
        },
    )
}}

with

messages as (

    select * from {{ only_touched(
        ref('int_messages_assessed'), by='int_touched_assessed',
        key=['mall_id', 'buyer_uid', 'service_date']
    ) }}
    where asks_for_reply

),

final as (

    select
        mall_id,
        msg_id,
        {{ buyer_key() }} as buyer_key,
        cs_uid as responsible_cs_uid,
        replied_cs_uid,
        shift_name,
        is_assessed,
        is_round_start,
        service_date,
        sent_at,
        replied_at,
        response_ms / 1000.0 as response_seconds
    from messages

)

select * from final
