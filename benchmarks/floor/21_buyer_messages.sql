create or replace table marts.fct_buyer_messages as
select
    buyer_keys.mall_id,
    assessed.msg_id,
    buyer_keys.buyer_key,
    assessed.sent_at,
    assessed.day as service_date,
    assessed.is_assessed,
    assessed.is_round_start,
    responsible.cs_uid as responsible_cs_uid,
    replying.cs_uid as replied_cs_uid,
    case
        when assessed.response_ms is not null
            then epoch_ms(epoch_ms(assessed.sent_at) + assessed.response_ms)
    end as replied_at,
    assessed.response_ms / 1000.0 as response_seconds,
    shift_names.shift_name
from assessed
inner join buyer_keys using (conversation)
left join cs_names as responsible on assessed.cs = responsible.cs
left join cs_names as replying on assessed.replied_cs = replying.cs
inner join shift_names using (shift)
where assessed.asks;
