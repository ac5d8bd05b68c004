-- The members of the groups and their scores.
select
    dim_mall_groups.group_name,
    dim_mall_groups.mall_id,
    dim_mall_groups.is_unknown_member,
    scores.experience_score,
    scores.score_tier,
    scores.score_status,
    scores.change_7d,
    scores.costliest_module,
    scores.incomplete_days_30d
from dim_mall_groups
left join experience_score_30d as scores
    on
        dim_mall_groups.mall_id = scores.mall_id
        and scores.as_of_date = $as_of
order by dim_mall_groups.group_name, scores.experience_score nulls last, mall_id
