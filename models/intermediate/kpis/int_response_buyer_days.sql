-- The one place where response figures are added up per buyer: for the mall,
-- for each agent and for each agent's shift, from one scan of the messages.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_assessed',
            'touched_key': ['mall_id', 'buyer_uid', 'service_date'],
        },
    )
}}

with

messages as (

    select * from {{ only_touched(
        ref('int_messages_assessed'), by='int_touched_assessed',
        key=['mall_id', 'buyer_uid', 'service_date']
    ) }}

),

added_up as (

    select
        case grouping(cs_uid, shift_name)
            when 3 then 'mall' when 1 then 'agent' else 'shift'
        end as scope,
        mall_id,
        cs_uid,
        shift_name,
        buyer_uid,
        service_date,
        count(*) filter (sender = 'buyer') as buyer_messages,
        count(*) filter (sender = 'agent') as agent_messages,
        count(*) filter (is_assessed) as assessed_messages,
        count(*) filter ({{ is_replied_within(30000) }}) as messages_replied_30s,
        count(response_ms) filter (is_assessed) as answered_messages,
        coalesce(sum(response_ms) filter (is_assessed), 0) as response_ms,
        max(response_ms) filter (is_assessed) as slowest_response_ms,
        arg_min_null(response_ms, position_that_day) filter (is_assessed)
            as first_response_ms,
        count(*) filter (is_assessed_all_day) as assessed_messages_all_day,
        count(*) filter ({{ is_replied_within(30000, '_all_day') }})
            as messages_replied_30s_all_day,
        count(response_ms) filter (is_assessed_all_day)
            as answered_messages_all_day,
        max(response_ms) filter (is_assessed_all_day)
            as slowest_response_ms_all_day,
        -- How far below 600 s (no points), up to 540 s (all ten points).
        -- least() passes over a null: an unanswered message must stay out.
        coalesce(
            sum(greatest(0, least(600000 - response_ms, 540000)))
            filter (is_assessed and response_ms is not null),
            0
        ) as response_speed_ms
    from messages
    group by
        mall_id, buyer_uid, service_date, rollup(cs_uid, shift_name)

),

final as (

    select
        scope,
        mall_id,
        cs_uid,
        shift_name,
        buyer_uid,
        service_date,
        buyer_messages,
        agent_messages,
        assessed_messages,
        messages_replied_30s,
        answered_messages,
        cast(response_ms as bigint) as response_ms,
        first_response_ms,
        cast(response_speed_ms as bigint) as response_speed_ms,
        assessed_messages > 0 as is_assessed,
        {{ is_late('180000') }} as is_late_3min,
        {{ is_late('300000') }} as is_late_5min,
        {{ is_late('3600000') }} as is_ineffective,
        assessed_messages_all_day,
        messages_replied_30s_all_day,
        assessed_messages_all_day > 0 as is_assessed_all_day,
        {{ is_late('180000', '_all_day') }} as is_late_3min_all_day
    from added_up
    where scope = 'mall' or cs_uid is not null
    {{ lay_by_day('service_date') }}

)

select * from final
