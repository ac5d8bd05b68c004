select
    as_of_date,
    experience_score,
    score_status,
    score_tier,
    category_rank,
    category_percentile,
    peer_scope,
    change_7d,
    change_ratio_7d,
    costliest_module,
    grouped_orders_30d,
    category_name,
    incomplete_days_30d
from (
    select unnest(generate_series($as_of::date - 59, $as_of::date, interval 1 day))
        ::date as as_of_date
)
left join (
    select * from experience_score_30d where mall_id = $mall_id
) using (as_of_date)
order by as_of_date
