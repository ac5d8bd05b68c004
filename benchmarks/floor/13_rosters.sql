-- Robots by the roster: overlapping periods of one robot become one.
create or replace temp table robot_periods as
with

current_agents as (

    select * from ($agents)
    where mall_id is not null and cs_uid is not null and _loaded_at is not null
    qualify
        row_number() over (
            partition by mall_id, cs_uid, valid_from
            order by
                _loaded_at desc,
                concat_ws(
                    chr(31), mall_id, cs_uid, coalesce(cs_name, ''),
                    coalesce(agent_role, ''),
                    coalesce(cast(is_robot as varchar), ''),
                    coalesce(cast(valid_from as varchar), ''),
                    coalesce(cast(valid_to as varchar), '')
                ) desc
        ) = 1

),

periods as (

    select
        mall_names.mall,
        cs_names.cs,
        coalesce(valid_from, date '0001-01-01') as first_day,
        coalesce(valid_to, date '9999-12-30') as last_day
    from current_agents
    inner join mall_names using (mall_id)
    inner join cs_names using (cs_uid)
    where is_robot and first_day <= last_day

),

marked as (

    select
        *,
        first_day - 1 > max(last_day) over (
            partition by mall, cs order by first_day, last_day
            rows between unbounded preceding and 1 preceding
        ) as is_apart
    from periods

),

numbered as (

    select
        *,
        count_if(is_apart) over (
            partition by mall, cs order by first_day, last_day
            rows unbounded preceding
        ) as period
    from marked

)

select
    mall,
    cs,
    min(first_day) as first_day,
    max(last_day) as last_day
from numbered
group by mall, cs, period;

create or replace temp table rostered as
select
    mall_names.mall,
    cs_names.cs,
    shifts.shift_name,
    shifts.start_at,
    shifts.end_at
from (
    select * from ($agent_shifts)
    where
        mall_id is not null
        and cs_uid is not null
        and _loaded_at is not null
        and end_at > start_at
    qualify
        row_number() over (
            partition by mall_id, cs_uid, start_at
            order by
                _loaded_at desc,
                concat_ws(
                    chr(31), mall_id, cs_uid, coalesce(shift_name, ''),
                    epoch_ms(start_at) - 28800000, epoch_ms(end_at) - 28800000
                ) desc
        ) = 1
) as shifts
inner join mall_names using (mall_id)
inner join cs_names using (cs_uid)
where shifts.shift_name is not null;

-- An agent's day cut at each start and end; the shift that started last holds.
create or replace temp table shift_segments as
with

days as (

    select cast(sent_at as date) as day
    from message_rows
    group by day

),

pieces as (

    select
        rostered.*,
        days.day,
        greatest(start_at, cast(days.day as timestamp)) as starts_at,
        least(end_at, cast(days.day + 1 as timestamp)) as ends_at
    from rostered
    inner join days
        on
            rostered.start_at < cast(days.day + 1 as timestamp)
            and rostered.end_at > cast(days.day as timestamp)

),

cuts as (

    select mall, cs, day, starts_at as cut from pieces
    union
    select mall, cs, day, ends_at as cut from pieces

),

segments as (

    select
        *,
        lead(cut) over (partition by mall, cs, day order by cut) as next_cut
    from cuts

)

select
    segments.mall,
    segments.cs,
    segments.day,
    segments.cut as segment_start,
    segments.next_cut as segment_end,
    arg_max(pieces.shift_name, pieces.start_at) as shift_name
from segments
inner join pieces
    on
        segments.mall = pieces.mall
        and segments.cs = pieces.cs
        and segments.day = pieces.day
        and segments.cut >= pieces.starts_at
        and segments.next_cut <= pieces.ends_at
group by all;

create or replace temp table default_seconds as
with shifts as (
    select
        shift_name,
        split_part(start_time, ':', 1)::int * 3600
        + split_part(start_time, ':', 2)::int * 60
        + split_part(start_time, ':', 3)::int as starts,
        split_part(end_time, ':', 1)::int * 3600
        + split_part(end_time, ':', 2)::int * 60
        + split_part(end_time, ':', 3)::int as ends
    from default_shifts
)
select
    cast(seconds.second as integer) as second,
    arg_max(
        shift_name, case when second < starts then starts - 86400 else starts end
    ) as shift_name
from (select unnest(range(86400)) as second) as seconds
inner join shifts
    on case
            when starts < ends then second >= starts and second < ends
            else second >= starts or second < ends
        end
group by second;

create or replace temp table shift_names as
select
    cast(row_number() over (order by shift_name) as integer) as shift,
    shift_name
from (
    select shift_name from shift_segments
    union
    select shift_name from default_seconds
    union
    select 'none' as shift_name
) as named;
