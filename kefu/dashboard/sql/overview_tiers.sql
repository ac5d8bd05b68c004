-- How many malls were in each tier, day by day.
select
    as_of_date,
    coalesce(score_tier, score_status) as tier,
    count(*) as malls
from experience_score_30d
where
    as_of_date between $as_of::date - 59 and $as_of
    and ($category is null or category_name = $category)
group by all
order by as_of_date, tier
