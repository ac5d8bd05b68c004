-- Problems of the 30 days; an order counts once in each of its problems.
select
    problem_code,
    module,
    sum(help_orders_30d)::bigint as help_orders_30d,
    sum(platform_help_orders_30d)::bigint as platform_help_orders_30d,
    sum(platform_help_orders_30d) / nullif(sum(help_orders_30d), 0)
        as platform_share,
    sum(change_7d)::bigint as change_7d
from core_issues_30d
left join dim_problems using (problem_code)
where as_of_date = $as_of and ($mall_id is null or mall_id = $mall_id)
group by all
order by help_orders_30d desc, problem_code
