-- How many malls' days came whole, by source and day, and which did not.
select
    source,
    date_day,
    status,
    count(*) as malls
from data_completeness
where date_day between $as_of::date - 29 and $as_of
group by all
order by all
