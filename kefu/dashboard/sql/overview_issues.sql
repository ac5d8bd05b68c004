-- Which problems grew and shrank most in seven days, over the malls.
select
    problem_code,
    sum(help_orders_30d)::bigint as help_orders_30d,
    sum(change_7d)::bigint as change_7d,
    sum(platform_help_orders_30d)::bigint as platform_help_orders_30d,
    sum(platform_help_orders_30d) / nullif(sum(help_orders_30d), 0)
        as platform_share,
    count(*) as malls
from core_issues_30d
inner join dim_malls using (mall_id)
where
    as_of_date = $as_of
    and ($category is null or category_name = $category)
group by problem_code
order by help_orders_30d desc, problem_code
