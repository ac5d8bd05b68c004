select
    metric,
    metric_value,
    category_mean,
    category_top10_mean,
    category_percentile,
    gap_to_mean,
    gap_to_top10,
    target,
    target_status
from mall_benchmarks_30d
where mall_id = $mall_id and as_of_date = $as_of
order by category_percentile, metric
