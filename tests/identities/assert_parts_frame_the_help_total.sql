-- What: an order with several problems counts once in a mall's total and once
-- in each problem and module, so the total lies between the largest part and
-- the sum of the parts, by problem and by module.
-- When it matters: a problem or module is missing from the total, or an order
-- counts twice in it.
-- How to resolve: list the counted requests of the mall's orders in
-- fct_help_requests by problem; see assert_core_issues_match_requests.
with

totals as (

    select
        mall_id,
        as_of_date,
        help_orders_30d,
        platform_help_orders_30d
    from {{ ref('help_seeking_rate_30d') }}
    where module = 'all'

),

parts as (

    select
        mall_id,
        as_of_date,
        'problem' as part,
        help_orders_30d,
        platform_help_orders_30d
    from {{ ref('core_issues_30d') }}

    union all

    select
        mall_id,
        as_of_date,
        'module' as part,
        help_orders_30d,
        platform_help_orders_30d
    from {{ ref('help_seeking_rate_30d') }}
    where module != 'all'

),

added_up as (

    select
        mall_id,
        as_of_date,
        part,
        max(help_orders_30d) as largest,
        sum(help_orders_30d) as added,
        max(platform_help_orders_30d) as platform_largest,
        sum(platform_help_orders_30d) as platform_added
    from parts
    group by mall_id, as_of_date, part

)

select
    totals.mall_id,
    totals.as_of_date,
    divisions.part,
    totals.help_orders_30d,
    added_up.largest,
    added_up.added
from totals
cross join (values ('problem'), ('module')) as divisions (part)
left join added_up
    on
        totals.mall_id = added_up.mall_id
        and totals.as_of_date = added_up.as_of_date
        and divisions.part = added_up.part
where
    (totals.help_orders_30d = 0) is not true
    and (
        totals.help_orders_30d
        between added_up.largest and added_up.added
        and totals.platform_help_orders_30d
        between added_up.platform_largest and added_up.platform_added
    ) is not true
