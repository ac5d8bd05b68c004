-- How long answers took in the 30 days: assessed messages by class of time.
-- $cs_uid NULL: each agent of the mall.
select
    responsible_cs_uid as cs_uid,
    case
        when response_seconds is null then 'unanswered'
        when response_seconds <= 30 then 'to_30s'
        when response_seconds <= 180 then 'to_3min'
        when response_seconds <= 300 then 'to_5min'
        when response_seconds <= 3600 then 'to_1h'
        else 'over_1h'
    end as response_class,
    count(*) as messages
from fct_buyer_messages
where
    mall_id = $mall_id
    and is_assessed
    and service_date between $as_of::date - 29 and $as_of
    and ($cs_uid is null or responsible_cs_uid = $cs_uid)
group by all
order by all
