-- What: core_issues_30d, counted anew from fct_orders and fct_help_requests, each
-- put on the 30 days it counts for, on the dates of help_seeking_rate_30d. Rows
-- that must not be there show up too. No tolerance. On the newest as-of dates,
-- and in turn on the older ones (recounted_dates).
-- When it matters: a mall is told to mend a problem that it does not have.
-- How to resolve: list the counted requests of the failing mall and problem;
-- then see assert_help_rates_match_requests, whose running sums are the same.
with

recounted_dates as (

    {{ recounted_dates() }}

),

-- What a date is compared with is the same a week before.
needed_dates as (

    select as_of_date from recounted_dates
    union
    select as_of_date - 7 as as_of_date from recounted_dates

),

requests as (

    select
        orders.mall_id,
        orders.order_sn,
        orders.confirm_date + cast(unnest(range(30)) as integer) as as_of_date,
        requests.request_date,
        requests.is_platform,
        requests.problem_code
    from {{ ref('fct_help_requests') }} as requests
    inner join {{ ref('fct_orders') }} as orders
        on
            requests.mall_id = orders.mall_id
            and requests.order_sn = orders.order_sn
    where requests.is_counted and orders.is_grouped

),

dates as (

    select
        mall_id,
        as_of_date,
        help_orders_30d as mall_help_orders_30d
    from {{ ref('help_seeking_rate_30d') }}
    where
        module = 'all'
        and as_of_date in (select needed_dates.as_of_date from needed_dates)

),

counted as (

    select
        dates.mall_id,
        dates.as_of_date,
        requests.problem_code,
        dates.mall_help_orders_30d,
        count(distinct requests.order_sn) as help_orders_30d,
        count(distinct requests.order_sn) filter (requests.is_platform)
            as platform_help_orders_30d
    from dates
    inner join requests
        on
            dates.mall_id = requests.mall_id
            and dates.as_of_date = requests.as_of_date
            and dates.as_of_date >= requests.request_date
    group by all

),

recounted as (

    select
        issues.mall_id,
        issues.as_of_date,
        issues.problem_code,
        issues.help_orders_30d,
        issues.help_orders_30d / issues.mall_help_orders_30d as help_order_share,
        (
            select count(*) + 1
            from counted as other_issues
            where
                issues.mall_id = other_issues.mall_id
                and issues.as_of_date = other_issues.as_of_date
                and issues.help_orders_30d < other_issues.help_orders_30d
        ) as issue_rank,
        issues.help_orders_30d - coalesce(week_before.help_orders_30d, 0)
            as change_7d,
        issues.platform_help_orders_30d,
        issues.platform_help_orders_30d / issues.help_orders_30d
            as platform_share
    from counted as issues
    left join counted as week_before
        on
            issues.mall_id = week_before.mall_id
            and issues.problem_code = week_before.problem_code
            and issues.as_of_date - 7 = week_before.as_of_date
    where
        issues.as_of_date in (
            select recounted_dates.as_of_date from recounted_dates
        )

),

published as (

    select
        mall_id,
        as_of_date,
        problem_code,
        help_orders_30d,
        help_order_share,
        issue_rank,
        change_7d,
        platform_help_orders_30d,
        platform_share
    from {{ ref('core_issues_30d') }}
    where
        as_of_date in (select recounted_dates.as_of_date from recounted_dates)

)

{{ rows_that_differ('recounted', 'published') }}
