-- By source: of how many malls the newest day came whole, and of how many not.
select
    source,
    count(*) as malls,
    count_if(status = 'missing') as missing,
    count_if(status = 'low') as low,
    count_if(status = 'not_judged') as not_judged
from data_completeness
where date_day = $as_of
group by source
order by source
