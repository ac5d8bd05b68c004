-- One row a mall on the day, with what it was seven days before.
with

scores as (

    select
        later.*,
        earlier.score_tier as tier_before,
        -- Among how many malls the rank is.
        case
            when later.score_status != 'scored' then null
            when later.peer_scope = 'all'
                then count(*) filter (later.score_status = 'scored') over ()
            else
                count(*) filter (later.score_status = 'scored')
                    over (partition by later.category_name)
        end as peers
    from experience_score_30d as later
    left join experience_score_30d as earlier
        on
            later.mall_id = earlier.mall_id
            and earlier.as_of_date = later.as_of_date - 7
    where later.as_of_date = $as_of

),

issues as (

    -- The problem with most help orders, of the module that costs most.
    select
        core_issues_30d.mall_id,
        core_issues_30d.problem_code,
        core_issues_30d.help_orders_30d as problem_orders,
        core_issues_30d.change_7d as problem_change
    from core_issues_30d
    inner join dim_problems
        on core_issues_30d.problem_code = dim_problems.problem_code
    inner join scores
        on
            core_issues_30d.mall_id = scores.mall_id
            and dim_problems.module = scores.costliest_module
    where core_issues_30d.as_of_date = $as_of
    qualify row_number() over (
        partition by core_issues_30d.mall_id
        order by core_issues_30d.issue_rank, core_issues_30d.problem_code
    ) = 1

)

select
    mall_id,
    dim_malls.mall_name,
    dim_malls.category_name,
    scores.experience_score,
    scores.score_status,
    scores.score_tier,
    scores.tier_before,
    scores.change_7d,
    scores.category_rank,
    scores.category_percentile,
    scores.peers,
    scores.peer_scope,
    scores.costliest_module,
    issues.problem_code,
    issues.problem_orders,
    issues.problem_change,
    help.grouped_orders_30d,
    help.help_orders_30d,
    help.help_seeking_rate,
    help.platform_help_orders_30d,
    help.platform_help_rate,
    kpis.assessed_consult_buyers,
    kpis.late_buyers_3min,
    kpis.reply_rate_3min,
    coalesce(
        scores.incomplete_days_30d, help.incomplete_days_30d,
        kpis.incomplete_days_30d
    ) as incomplete_days_30d
from dim_malls
left join scores using (mall_id)
left join issues using (mall_id)
left join (
    select * from help_seeking_rate_30d
    where as_of_date = $as_of and module = 'all'
) as help using (mall_id)
left join (
    select * from mall_kpi_30d where as_of_date = $as_of
) as kpis using (mall_id)
where
    ($category is null or dim_malls.category_name = $category)
    and (
        scores.mall_id is not null
        or help.mall_id is not null
        or kpis.mall_id is not null
    )
order by scores.experience_score nulls last, mall_id
