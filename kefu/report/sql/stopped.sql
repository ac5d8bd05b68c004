-- Feeds of malls that came thin or not at all on the newest day.
select
    data_completeness.mall_id,
    dim_malls.mall_name,
    data_completeness.source,
    data_completeness.status,
    data_completeness.rows,
    data_completeness.expected_rows,
    data_completeness.days_silent
from data_completeness
left join dim_malls on data_completeness.mall_id = dim_malls.mall_id
where
    data_completeness.date_day = $as_of
    and data_completeness.status in ('low', 'missing')
order by
    data_completeness.status = 'missing' desc,
    data_completeness.days_silent desc,
    data_completeness.expected_rows desc nulls last,
    data_completeness.mall_id,
    data_completeness.source
