-- An order grouped on c with a first counted request on r is a help order of the
-- 30 days to D from the later of the two to c + 29: in and out of a running sum.
create or replace temp table help_sums as
with

counted as (

    select
        mall_id,
        request_order_sn as order_sn,
        confirm_date,
        request_date,
        problem_code,
        module,
        case when is_platform then ['any', 'platform', channel] else ['any', channel] end
            as measures
    from requests
    where not_counted_reason is null

),

members as (

    select * exclude (problem_code, module), 'module' as breakdown, 'all' as member
    from counted
    union all by name
    select * exclude (problem_code, module), 'module' as breakdown, module as member
    from counted
    union all by name
    select
        * exclude (problem_code, module), 'problem' as breakdown,
        problem_code as member
    from counted

),

measured as (

    select * exclude (measures), unnest(measures) as measure
    from members

),

stays as (

    select
        mall_id,
        breakdown,
        member,
        measure,
        greatest(min(request_date), confirm_date) as enters_on,
        confirm_date + 30 as leaves_on
    from measured
    group by mall_id, breakdown, member, measure, order_sn, confirm_date
    having min(request_date) < confirm_date + 30

),

changes as (

    select mall_id, breakdown, member, measure, enters_on as as_of_date, 1 as change
    from stays
    union all
    select mall_id, breakdown, member, measure, leaves_on, -1
    from stays

),

wide as (

    select
        mall_id,
        breakdown,
        member,
        as_of_date,
        $help_measures
    from changes
    group by mall_id, breakdown, member, as_of_date

),

dated as (

    select
        mall_dates.mall_id, members.breakdown, members.member, mall_dates.as_of_date,
        true as is_date
    from mall_dates
    cross join (
        select 'module' as breakdown, module as member from problems
        union
        select 'module', module from module_weights
        union
        select 'module', unnest(['unknown', 'all'])
    ) as members
    union all
    select
        mall_dates.mall_id, used.breakdown, used.member, mall_dates.as_of_date, true
    from mall_dates
    inner join (
        select distinct mall_id, breakdown, member
        from changes
        where breakdown = 'problem'
    ) as used using (mall_id)
    union all by name
    select * from wide

)

select *
from (
    select
        mall_id,
        breakdown,
        member,
        as_of_date,
        is_date,
        cast(coalesce(sum(columns('^help_orders|^platform_help')) over running, 0)
            as bigint)
    from dated
    window
        running as (
            partition by mall_id, breakdown, member
            order by as_of_date
            range unbounded preceding
        )
) as summed
where is_date and (breakdown = 'module' or help_orders_30d > 0);

create or replace temp table grouped_30d as
with stacked as (
    select mall_id, as_of_date, 0 as orders, true as is_date
    from mall_dates
    union all
    select mall_id, confirm_date, count(*), false
    from orders
    where is_grouped and confirm_date >= date '2015-09-01'
    group by mall_id, confirm_date
)
select
    mall_id,
    as_of_date,
    is_date,
    cast(
        sum(orders) over (
            partition by mall_id
            order by as_of_date
            range between interval 29 days preceding and current row
        ) as bigint
    ) as grouped_orders_30d
from stacked
qualify is_date;

create or replace temp table help_rates as
select
    help_sums.* exclude (is_date),
    mall_dates.days_observed,
    grouped_30d.grouped_orders_30d,
    help_sums.help_orders_30d / nullif(grouped_30d.grouped_orders_30d, 0)
        as help_seeking_rate,
    help_sums.platform_help_orders_30d / nullif(grouped_30d.grouped_orders_30d, 0)
        as platform_help_rate
from help_sums
inner join mall_dates using (mall_id, as_of_date)
inner join grouped_30d using (mall_id, as_of_date);

create or replace table marts.help_seeking_rate_30d as
select member as module, * exclude (breakdown, member)
from help_rates
where breakdown = 'module';

create or replace table marts.core_issues_30d as
select
    issues.mall_id,
    issues.as_of_date,
    issues.member as problem_code,
    issues.help_orders_30d,
    issues.help_orders_30d / nullif(totals.help_orders_30d, 0) as help_order_share,
    rank() over (
        partition by issues.mall_id, issues.as_of_date
        order by issues.help_orders_30d desc
    ) as issue_rank,
    issues.help_orders_30d - coalesce(earlier.help_orders_30d, 0) as change_7d,
    issues.platform_help_orders_30d,
    issues.platform_help_orders_30d / nullif(issues.help_orders_30d, 0)
        as platform_share
from help_rates as issues
inner join help_rates as totals
    on
        totals.breakdown = 'module'
        and totals.member = 'all'
        and issues.mall_id = totals.mall_id
        and issues.as_of_date = totals.as_of_date
left join help_rates as earlier
    on
        earlier.breakdown = 'problem'
        and issues.mall_id = earlier.mall_id
        and issues.member = earlier.member
        and issues.as_of_date = earlier.as_of_date + 7
where issues.breakdown = 'problem';
