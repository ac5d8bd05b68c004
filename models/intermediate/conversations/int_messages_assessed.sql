{{ config(
    materialized='incremental',
    meta={
        'touched_by': 'int_touched_assessed',
        'touched_key': ['mall_id', 'buyer_uid', 'service_date'],
        'changes': {'mall_id': 'varchar', 'service_date': 'date'},
    },
) }}

with

messages as (

    select
        *,
        cast(sent_at as time) as time_of_day,
        epoch_ms(sent_at) % 86400000 // 1000 as second_of_day
    from {{ only_touched(
        ref('int_messages_replied'), by='int_touched_assessed',
        key=['mall_id', 'buyer_uid', 'service_date']
    ) }}
    where sender in ('buyer', 'agent')

),

exempt_dates as (

    select date_day
    from {{ ref('exempt_dates') }}
    group by date_day

),

shift_segments as (

    select * from {{ ref('int_shift_segments') }}

),

default_shift_seconds as (

    select * from {{ ref('int_default_shift_seconds') }}

),

responsible as (

    -- Who wrote it, else who replied, else who was assigned, else whoever wrote to
    -- the buyer last on that day.
    select
        *,
        coalesce(
            agent_cs_uid,
            replied_cs_uid,
            assigned_cs_uid,
            previous_cs_uid_that_day
        ) as cs_uid
    from messages

),

final as (

    select
        responsible.mall_id,
        responsible.buyer_uid,
        responsible.msg_id,
        responsible.sender,
        responsible.cs_uid,
        responsible.replied_cs_uid,
        responsible.sent_at,
        responsible.service_date,
        responsible.position_that_day,
        responsible.asks_for_reply,
        responsible.is_round_start,
        responsible.replied_at,
        responsible.response_ms,
        responsible.asks_for_reply
        and (
            '{{ var("response_unit") }}' = 'message'
            or responsible.is_round_start
        )
        and exempt_dates.date_day is null
        and (
            {{ var('assess_robot_only_buyers') }}
            or not responsible.is_robot_only
        ) as is_assessed_all_day,
        is_assessed_all_day
        and responsible.time_of_day >= time '08:00:00'
        and responsible.time_of_day < time '23:00:00' as is_assessed,
        coalesce(
            shift_segments.shift_name,
            default_shift_seconds.shift_name,
            'none'
        ) as shift_name
    from responsible
    left join exempt_dates
        on responsible.service_date = exempt_dates.date_day
    left join shift_segments
        on
            responsible.mall_id = shift_segments.mall_id
            and responsible.cs_uid = shift_segments.cs_uid
            and responsible.service_date = shift_segments.service_date
            and responsible.sent_at >= shift_segments.segment_start
            and responsible.sent_at < shift_segments.segment_end
    left join default_shift_seconds
        on responsible.second_of_day = default_shift_seconds.second_of_day

)

select * from final
