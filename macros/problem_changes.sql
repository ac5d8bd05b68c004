{# How the help orders of each problem changed from the earlier to the later date
   of a period; problems that did not move are left out. weighted_change weighs a
   change as the module score weighs the two percentiles, 7 to 3.
   period: relation of one row with date_from and date_to. #}
{% macro problem_changes(period) -%}
    select
        issues.mall_id,
        coalesce(problems.module, 'unknown') as module,
        issues.problem_code,
        cast(sum(ends.sign * issues.help_orders_30d) as bigint) as help_change,
        cast(sum(ends.sign * issues.platform_help_orders_30d) as bigint)
            as platform_change,
        7 * platform_change + 3 * help_change as weighted_change
    from (
        select
            unnest([date_from, date_to]) as as_of_date,
            unnest([-1, 1]) as sign
        from {{ period }}
    ) as ends
    inner join {{ ref('core_issues_30d') }} as issues
        on ends.as_of_date = issues.as_of_date
    left join {{ ref('dim_problems') }} as problems
        on issues.problem_code = problems.problem_code
    group by issues.mall_id, problems.module, issues.problem_code
    having help_change != 0 or platform_change != 0
{%- endmacro %}
