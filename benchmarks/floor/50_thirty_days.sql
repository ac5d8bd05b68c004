-- The days on which a mall has figures, of all sections: they decide for which
-- dates a 30-day row exists. The calendar begins with the platform.
create or replace temp table mall_spans as
with

ratings as (

    select
        mall_id,
        cast(created_time as date) as day
    from ($ratings)
    where
        rating_id is not null
        and mall_id is not null
        and is_event(created_time, _loaded_at)
        and score between 1 and 5
    qualify
        row_number() over (
            partition by rating_id
            order by
                _loaded_at desc,
                concat_ws(
                    chr(31), rating_id, mall_id, coalesce(buyer_uid, ''),
                    coalesce(cs_uid, ''), coalesce(order_sn, ''), score,
                    epoch_ms(created_time) - 28800000
                ) desc
        ) = 1

),

days as (

    select mall_names.mall_id, parts.day
    from parts
    inner join mall_names using (mall)
    where parts.scope = 'mall'
    union
    select mall_id, confirm_date from orders
    where is_grouped
    union
    select mall_id, request_date from requests
    where channel = 'complaint' and is_valid and not is_excluded
    union
    select mall_id, day from ratings
    union
    select mall_id, min(refund_date) from refunds
    where order_sn is not null
    group by mall_id, order_sn
    union
    select mall_id, cast(created_at as date) from refunds
    where is_joined and order_sn is not null

)

select
    mall_id,
    min(day) as first_day,
    max(day) as last_day,
    min(min(day)) over () as first_day_of_all
from days
cross join as_of
where day >= date '2015-09-01' and day <= as_of.as_of_end
group by mall_id;

create or replace temp table mall_dates as
select
    mall_id,
    as_of_date,
    cast(least(30, as_of_date - first_day_of_all + 1) as bigint) as days_observed
from (
    select
        mall_spans.*,
        cast(
            unnest(
                generate_series(
                    first_day,
                    least(last_day + 29, (select as_of_end from as_of)),
                    interval 1 day
                )
            ) as date
        ) as as_of_date
    from mall_spans
) as spans;

-- Dates of 30-day figures that have a message in their 30 days.
create or replace temp table entity_dates as
select distinct *
from (
    select
        scope,
        mall,
        cs,
        day + cast(unnest(range(30)) as integer) as as_of_date
    from parts
    where scope in ('mall', 'agent')
) as reached
where as_of_date <= (select as_of_end from as_of);

create or replace temp table sums_30d as
with

stacked as (

    select scope, mall, cs, as_of_date, true as is_date
    from entity_dates
    union all by name
    select
        parts.* exclude (shift, day),
        parts.day as as_of_date,
        most_at_once.max_concurrent_buyers
    from parts
    left join most_at_once
        on
            parts.scope = 'agent'
            and parts.mall = most_at_once.mall
            and parts.cs = most_at_once.cs
            and parts.day = most_at_once.day
    where parts.scope in ('mall', 'agent')

)

select
    scope,
    mall,
    cs,
    as_of_date,
    coalesce(max(max_concurrent_buyers) over thirty_days, 0)
        as max_concurrent_buyers,
    cast(
        coalesce(
            sum(
                columns(
                    * exclude (
                        scope, mall, cs, as_of_date, is_date, max_concurrent_buyers
                    )
                )
            ) over thirty_days,
            0
        ) as bigint
    )
from stacked
window
    thirty_days as (
        partition by scope, mall, cs
        order by as_of_date
        range between interval 29 days preceding and current row
    )
qualify is_date;

-- A visit lasts until the next one, 30 days at most: a running sum of visits that
-- begin and end is the number of different buyers.
create or replace temp table distinct_30d as
with

visits as (

    select 'mall' as scope, mall, cast(null as integer) as cs, conversation, day
    from buyer_day_sums
    where buyer_messages > 0
    union all
    select 'agent' as scope, mall, cs, conversation, day
    from agent_sums
    where cs is not null

),

followed as (

    select
        scope,
        mall,
        cs,
        day,
        least(
            lead(day) over (partition by conversation, scope, cs order by day),
            day + 30
        ) as leaves_on
    from visits

),

changes as (

    select scope, mall, cs, day as as_of_date, count(*) as change
    from followed
    group by scope, mall, cs, day
    union all
    select scope, mall, cs, leaves_on, -count(*)
    from followed
    group by scope, mall, cs, leaves_on

),

stacked as (

    select scope, mall, cs, as_of_date, 0 as change, true as is_date
    from entity_dates
    union all
    select scope, mall, cs, as_of_date, change, false
    from changes

)

select
    scope,
    mall,
    cs,
    as_of_date,
    is_date,
    cast(
        sum(change) over (
            partition by scope, mall, cs
            order by as_of_date
            range unbounded preceding
        ) as bigint
    ) as distinct_consult_buyers_30d
from stacked
qualify is_date;
