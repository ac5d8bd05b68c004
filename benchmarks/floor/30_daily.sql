-- The parts of every day's figures, for mall, agent and shift.
create or replace temp table parts as
select
    'mall' as scope, mall, cast(null as integer) as cs, cast(null as integer) as shift,
    day, count_if(buyer_messages > 0) as consult_buyers, $day_sums
from buyer_day_sums
group by mall, day
union all
select 'agent', mall, cs, null, day, count(*), $day_sums
from agent_sums
where cs is not null
group by mall, cs, day
union all
select 'shift', mall, cs, shift, day, count(*), $day_sums
from shift_sums
where cs is not null
group by mall, cs, shift, day;

create or replace temp table day_quantiles as
select
    case grouping(cs, shift) when 3 then 'mall' when 1 then 'agent' else 'shift' end
        as scope,
    mall,
    cs,
    shift,
    day,
    quantile_cont(response_ms, [0.5, 0.9]) as quantiles
from assessed
where is_assessed and response_ms is not null
group by mall, day, rollup(cs, shift);

-- Buyers served at one moment: runs of an agent's messages to a buyer with gaps
-- under ten minutes, starts before ends, as one running sum.
create or replace temp table most_at_once as
with

marked as (

    select
        mall,
        cs,
        day,
        epoch_ms(sent_at) as sent_ms,
        lag(epoch_ms(sent_at)) over serving as last_ms,
        lead(epoch_ms(sent_at)) over serving as next_ms
    from assessed
    where sender = 2
    window serving as (partition by conversation, cs, day order by sent_at)

),

steps as (

    select mall, cs, day, sent_ms, 1 as change from marked
    where last_ms is null or sent_ms - last_ms >= 600000
    union all
    select mall, cs, day, sent_ms, -1 as change from marked
    where next_ms is null or next_ms - sent_ms >= 600000

),

running as (

    select
        mall,
        cs,
        day,
        sum(change) over (
            partition by mall, cs, day
            order by sent_ms, change desc
            rows unbounded preceding
        ) as buyers
    from steps

)

select
    mall,
    cs,
    day,
    cast(max(buyers) as bigint) as max_concurrent_buyers
from running
group by mall, cs, day;

create or replace temp table as_of as
select
    least(
        cast(newest + interval 8 hours as date) - 1,
        cast(getvariable('as_of_date') as date)
    ) as as_of_end
from (
    select greatest(
        (select max(loaded_at) from message_rows),
        (select max(loaded_at) from order_rows)
    ) as newest
) as loads;

create or replace temp view daily as
select
    parts.* exclude (mall, cs, shift),
    mall_names.mall_id,
    cs_names.cs_uid,
    shift_names.shift_name,
    day_quantiles.quantiles[1] as median_response_ms,
    day_quantiles.quantiles[2] as p90_response_ms,
    most_at_once.max_concurrent_buyers
from parts
inner join mall_names on parts.mall = mall_names.mall
left join cs_names on parts.cs = cs_names.cs
left join shift_names on parts.shift = shift_names.shift
left join day_quantiles
    on
        parts.scope = day_quantiles.scope
        and parts.mall = day_quantiles.mall
        and parts.day = day_quantiles.day
        and parts.cs is not distinct from day_quantiles.cs
        and parts.shift is not distinct from day_quantiles.shift
left join most_at_once
    on
        parts.scope = 'agent'
        and parts.mall = most_at_once.mall
        and parts.cs = most_at_once.cs
        and parts.day = most_at_once.day
where parts.day <= (select as_of_end from as_of);

create or replace table marts.agent_kpi_daily as
select
    mall_id,
    cs_uid,
    day as service_date,
    $response_kpis,
    coalesce(max_concurrent_buyers, 0) as max_concurrent_buyers
from daily
where scope = 'agent';

create or replace table marts.agent_kpi_shift_daily as
select
    mall_id,
    cs_uid,
    day as service_date,
    shift_name,
    $response_kpis
from daily
where scope = 'shift';

create or replace table marts.mall_kpi_daily as
select
    daily.mall_id,
    daily.day as service_date,
    $response_kpis,
    coalesce(robots.robot_only_buyers, 0) as robot_only_buyers
from daily
left join (
    select
        buyer_keys.mall_id,
        robot_only_days.day,
        count(*) as robot_only_buyers
    from robot_only_days
    inner join buyer_keys using (conversation)
    group by all
) as robots
    on daily.mall_id = robots.mall_id and daily.day = robots.day
where daily.scope = 'mall';
