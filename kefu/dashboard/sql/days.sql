-- Between which days one can look back, and when the data begin.
select
    min(as_of_date) as first_day,
    max(as_of_date) as last_day,
    (select min(service_date) from mall_kpi_daily) as data_from
from (
    select as_of_date from mall_kpi_30d
    union all
    select as_of_date from experience_score_30d
)
