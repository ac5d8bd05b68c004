-- A mall's figures beside those of its category, and of how many malls it is.
select
    metric,
    metric_value,
    category_mean,
    category_top10_mean,
    category_percentile,
    gap_to_mean,
    gap_to_top10,
    target,
    target_status,
    malls
from (
    select
        *,
        count(*) over (partition by metric, category_name) as malls
    from mall_benchmarks_30d
    where as_of_date = $as_of
)
where mall_id = $mall_id
order by category_percentile, metric
