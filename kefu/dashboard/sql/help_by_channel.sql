select
    request_date,
    channel,
    sum(help_requests)::bigint as help_requests
from help_seeking_daily
where
    request_date between $as_of::date - 59 and $as_of
    and ($mall_id is null or mall_id = $mall_id)
group by all
order by all
