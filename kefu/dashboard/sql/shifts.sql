-- The shifts of a mall, or of one agent, over 30 days: parts added up.
-- A buyer counts once an agent, day and shift.
select
    shift_name,
    sum(assessed_consult_buyers)::bigint as assessed_consult_buyers,
    sum(assessed_messages)::bigint as assessed_messages,
    sum(messages_replied_30s)::bigint as messages_replied_30s,
    sum(messages_replied_30s) / nullif(sum(assessed_messages), 0)
        as reply_rate_30s,
    sum(late_buyers_3min)::bigint as late_buyers_3min,
    1 - sum(late_buyers_3min) / nullif(sum(assessed_consult_buyers), 0)
        as reply_rate_3min,
    sum(answered_messages)::bigint as answered_messages,
    sum(
        avg_response_seconds
        * case
            when $over_all_messages then assessed_messages
            else answered_messages
        end
    )
    / nullif(
        sum(
            case
                when $over_all_messages then assessed_messages
                else answered_messages
            end
        ) filter (avg_response_seconds is not null), 0
    ) as avg_response_seconds,
    sum(unanswered_messages)::bigint as unanswered_messages
from agent_kpi_shift_daily
where
    mall_id = $mall_id
    and ($cs_uid is null or cs_uid = $cs_uid)
    and service_date between $as_of::date - 29 and $as_of
group by shift_name
order by shift_name
