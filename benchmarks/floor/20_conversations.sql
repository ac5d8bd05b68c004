create or replace temp table buyers as
select
    conversation,
    mall,
    buyer_uid
from message_rows
group by conversation, mall, buyer_uid;

select error('two conversations share a hash')
from (select count(*) - count(distinct conversation) as shared from buyers)
where shared > 0;

create or replace temp table buyer_keys as
select
    buyers.conversation,
    buyers.mall,
    mall_names.mall_id,
    buyers.buyer_uid,
    left(
        sha256(
            getvariable('buyer_key') || chr(31) || mall_names.mall_id
            || chr(31) || buyers.buyer_uid
        ),
        32
    ) as buyer_key
from buyers
inner join mall_names using (mall);

-- Who sent it: 1 buyer, 2 agent, 3 robot, 4 auto-reply.
create or replace temp view senders as
select
    messages.conversation,
    messages.mall,
    messages.cs,
    messages.assigned,
    messages.msg_id,
    messages.sent_at,
    cast(messages.sent_at as date) as day,
    messages.asks,
    messages.order_sn,
    messages.problem_code,
    messages.text_hash,
    case
        when messages.kind in (2, 4) and robots.cs is not null then 3
        else messages.kind
    end as sender
from message_rows as messages
left join robot_periods as robots
    on
        messages.mall = robots.mall
        and messages.cs = robots.cs
        and cast(messages.sent_at as date) between robots.first_day and robots.last_day
where
    messages.kind > 0
    and messages.rowid not in (select row_number from lost_messages);

-- Few days have a robot's message, so only theirs are looked at.
create or replace temp table robot_only_days as
with

robots as (

    select
        conversation,
        day,
        max((sent_at, msg_id)) as last_robot
    from senders
    where sender = 3
    group by conversation, day

),

humans as (

    select
        senders.conversation,
        senders.day,
        max((senders.sent_at, senders.msg_id)) as last_buyer
    from senders
    semi join robots
        on
            senders.conversation = robots.conversation
            and senders.day = robots.day
    where senders.sender in (1, 2)
    group by senders.conversation, senders.day
    having count_if(senders.sender = 2) = 0

)

select
    robots.conversation,
    robots.day
from robots
inner join humans using (conversation, day)
where robots.last_robot > humans.last_buyer;

-- One sort of each conversation. An agent's message travels as one number: its
-- moment in milliseconds, then 20 bits for who wrote it.
create or replace temp table assessed as
with

turns as (

    select
        senders.conversation,
        senders.mall,
        senders.msg_id,
        senders.sent_at,
        senders.day,
        senders.sender,
        senders.asks and senders.sender = 1 as asks,
        case when senders.sender = 1 and robots.cs is null then senders.assigned end
            as assigned,
        case
            when senders.sender = 2
                then (epoch_ms(senders.sent_at) << 20) | senders.cs
        end as agent_turn
    from senders
    left join robot_periods as robots
        on
            senders.mall = robots.mall
            and senders.assigned = robots.cs
            and senders.day between robots.first_day and robots.last_day
    where senders.sender in (1, 2)

),

paired as (

    select
        *,
        row_number() over conversations as position,
        lead(agent_turn ignore nulls) over conversations as next_turn,
        lag(agent_turn ignore nulls) over conversations as last_turn,
        lag(case when sender = 2 then false when asks then true end ignore nulls)
            over conversations as follows_question
    from turns
    window conversations as (partition by conversation order by sent_at, msg_id)

),

timed as (

    select
        *,
        (next_turn >> 20) - epoch_ms(sent_at) as next_ms,
        sender = 1
        and next_ms <= getvariable('reply_horizon_hours') * 3600000 as is_replied,
        case when is_replied then cast(next_turn & 1048575 as integer) end
            as replied_cs,
        case when is_replied then next_ms end as response_ms,
        case
            when sender = 2 then cast(agent_turn & 1048575 as integer)
            else
                coalesce(
                    replied_cs,
                    assigned,
                    case
                        when cast(epoch_ms(last_turn >> 20) as date) = day
                            then cast(last_turn & 1048575 as integer)
                    end
                )
        end as cs,
        asks and not coalesce(follows_question, false) as is_round_start,
        epoch_ms(sent_at) % 86400000 as ms_of_day
    from paired

)

select
    timed.conversation,
    timed.mall,
    timed.cs,
    timed.replied_cs,
    case when timed.asks then timed.msg_id end as msg_id,
    timed.sent_at,
    timed.day,
    timed.sender,
    timed.asks,
    timed.is_round_start,
    timed.response_ms,
    cast(timed.position as integer) as position,
    timed.asks
    and (getvariable('response_unit') = 'message' or timed.is_round_start)
    and timed.ms_of_day >= 28800000
    and timed.ms_of_day < 82800000
    and exempt_dates.date_day is null
    and (
        getvariable('assess_robot_only_buyers')
        or robot_only_days.conversation is null
    ) as is_assessed,
    shift_names.shift
from timed
left join robot_only_days
    on
        timed.conversation = robot_only_days.conversation
        and timed.day = robot_only_days.day
left join (select distinct date_day from exempt_dates) as exempt_dates
    on timed.day = exempt_dates.date_day
left join shift_segments
    on
        timed.mall = shift_segments.mall
        and timed.cs = shift_segments.cs
        and timed.day = shift_segments.day
        and timed.sent_at >= shift_segments.segment_start
        and timed.sent_at < shift_segments.segment_end
left join default_seconds
    on timed.ms_of_day // 1000 = default_seconds.second
left join shift_names
    on
        coalesce(shift_segments.shift_name, default_seconds.shift_name, 'none')
        = shift_names.shift_name;
