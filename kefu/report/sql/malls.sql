-- What the table of malls shows beside the overview's rows.
select
    later.mall_id,
    later.reply_rate_30s,
    later.messages_replied_30s,
    later.assessed_messages,
    later.effective_reply_rate,
    later.ineffective_buyers,
    later.avg_response_seconds,
    later.answered_messages,
    later.reply_rate_3min - earlier.reply_rate_3min as reply_rate_3min_change
from mall_kpi_30d as later
left join mall_kpi_30d as earlier
    on
        later.mall_id = earlier.mall_id
        and earlier.as_of_date = later.as_of_date - 7
where later.as_of_date = $as_of
