-- The messages are added up once, to the finest key; the coarser ones are sums of
-- sums. A first message is the one at the least position.
create or replace temp table shift_sums as
select
    conversation,
    mall,
    day,
    cs,
    shift,
    count_if(sender = 1) as buyer_messages,
    count_if(sender = 2) as agent_messages,
    count_if(is_assessed) as assessed_messages,
    count(*) filter (is_assessed and response_ms <= 30000) as messages_replied_30s,
    count(response_ms) filter (is_assessed) as answered_messages,
    cast(coalesce(sum(response_ms) filter (is_assessed), 0) as bigint)
        as response_ms,
    max(response_ms) filter (is_assessed) as slowest_ms,
    min(position) filter (is_assessed) as first_position,
    arg_min_null(response_ms, position) filter (is_assessed) as first_response_ms
from assessed
group by conversation, mall, day, cs, shift;

create or replace temp table agent_sums as
select
    conversation,
    mall,
    day,
    cs,
    cast(sum(buyer_messages) as bigint) as buyer_messages,
    cast(sum(agent_messages) as bigint) as agent_messages,
    cast(sum(assessed_messages) as bigint) as assessed_messages,
    cast(sum(messages_replied_30s) as bigint) as messages_replied_30s,
    cast(sum(answered_messages) as bigint) as answered_messages,
    cast(sum(response_ms) as bigint) as response_ms,
    max(slowest_ms) as slowest_ms,
    min(first_position) as first_position,
    arg_min_null(first_response_ms, first_position)
        filter (first_position is not null) as first_response_ms
from shift_sums
group by conversation, mall, day, cs;

create or replace temp table buyer_day_sums as
select
    conversation,
    mall,
    day,
    count_if(agent_messages > 0) as agents_involved,
    cast(sum(buyer_messages) as bigint) as buyer_messages,
    cast(sum(agent_messages) as bigint) as agent_messages,
    cast(sum(assessed_messages) as bigint) as assessed_messages,
    cast(sum(messages_replied_30s) as bigint) as messages_replied_30s,
    cast(sum(answered_messages) as bigint) as answered_messages,
    cast(sum(response_ms) as bigint) as response_ms,
    max(slowest_ms) as slowest_ms,
    arg_min_null(first_response_ms, first_position)
        filter (first_position is not null) as first_response_ms
from agent_sums
group by conversation, mall, day;

create or replace temp macro is_late(assessed, answered, slowest, threshold) as
    assessed > 0 and (answered < assessed or slowest > threshold);

create or replace table marts.fct_consultations as
select
    buyer_keys.mall_id,
    buyer_keys.buyer_key,
    sums.day as service_date,
    sums.assessed_messages > 0 as is_assessed,
    robot_only_days.conversation is not null as is_robot_only,
    $late_flags,
    sums.first_response_ms / 1000.0 as first_response_seconds,
    sums.agents_involved
from buyer_day_sums as sums
inner join buyer_keys using (conversation)
left join robot_only_days
    on
        sums.conversation = robot_only_days.conversation
        and sums.day = robot_only_days.day
where sums.buyer_messages > 0;
