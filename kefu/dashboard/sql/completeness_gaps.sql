select
    date_day,
    source,
    mall_id,
    status,
    rows,
    expected_rows,
    days_silent
from data_completeness
where
    status in ('low', 'missing')
    and date_day between $as_of::date - 29 and $as_of
order by date_day desc, source, mall_id
limit 5000
