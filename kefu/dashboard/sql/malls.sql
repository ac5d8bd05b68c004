-- The malls that have a row in a 30-day table; others have nothing to show.
select
    mall_id,
    mall_name,
    category_name
from dim_malls
where
    mall_id in (select mall_id from mall_kpi_30d)
    or mall_id in (select mall_id from experience_score_30d)
order by mall_name nulls last, mall_id
