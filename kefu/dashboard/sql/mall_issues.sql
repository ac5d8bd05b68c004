select
    core_issues_30d.issue_rank,
    core_issues_30d.problem_code,
    dim_problems.module,
    core_issues_30d.help_orders_30d,
    core_issues_30d.mall_help_orders_30d,
    core_issues_30d.help_order_share,
    core_issues_30d.change_7d,
    core_issues_30d.platform_help_orders_30d,
    core_issues_30d.platform_share
from core_issues_30d
left join dim_problems
    on core_issues_30d.problem_code = dim_problems.problem_code
where core_issues_30d.mall_id = $mall_id and core_issues_30d.as_of_date = $as_of
order by core_issues_30d.issue_rank, core_issues_30d.problem_code
