-- Rosters overlap and cross midnight. Each agent's day, if there are messages on it, is
-- cut at every start and end, and each piece goes to the shift that started last,
-- so that a message joins to one piece at most.
{{
    config(
        materialized='incremental',
        meta={
            'changes': {
                'mall_id': 'varchar',
                'cs_uid': 'varchar',
                'service_date': 'date',
            },
        },
    )
}}

with

shifts as (

    select * from {{ ref('stg_pdd__agent_shifts') }}
    where shift_name is not null

),

service_dates as (

    select service_date
    from {{ ref('int_buyer_days') }}
    group by service_date

),

shift_days as (

    select
        shifts.mall_id,
        shifts.cs_uid,
        shifts.shift_name,
        shifts.start_at,
        service_dates.service_date,
        greatest(shifts.start_at, cast(service_dates.service_date as timestamp))
            as starts_at,
        least(shifts.end_at, cast(service_dates.service_date + 1 as timestamp))
            as ends_at
    from shifts
    inner join service_dates
        on
            shifts.start_at < cast(service_dates.service_date + 1 as timestamp)
            and shifts.end_at > cast(service_dates.service_date as timestamp)

),

boundaries as (

    select
        mall_id,
        cs_uid,
        service_date,
        starts_at as segment_start
    from shift_days
    union
    select
        mall_id,
        cs_uid,
        service_date,
        ends_at as segment_start
    from shift_days

),

segments as (

    select
        *,
        lead(segment_start) over (
            partition by mall_id, cs_uid, service_date order by segment_start
        ) as segment_end
    from boundaries

),

final as (

    select
        segments.mall_id,
        segments.cs_uid,
        segments.service_date,
        segments.segment_start,
        segments.segment_end,
        arg_max(shift_days.shift_name, shift_days.start_at) as shift_name
    from segments
    inner join shift_days
        on
            segments.mall_id = shift_days.mall_id
            and segments.cs_uid = shift_days.cs_uid
            and segments.service_date = shift_days.service_date
            and segments.segment_start >= shift_days.starts_at
            and segments.segment_end <= shift_days.ends_at
    group by all

)

select * from final
