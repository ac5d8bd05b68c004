{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_days',
            'touched_key': ['mall_id', 'service_date'],
        },
    )
}}

with

buyer_days as (

    select * from {{ only_touched(
        ref('int_response_buyer_days'), by='int_touched_days',
        key=['mall_id', 'service_date']
    ) }}

),

after_sales_buyer_days as (

    select * from {{ only_touched(
        ref('int_after_sales_buyer_days'), by='int_touched_days',
        key=['mall_id', 'service_date']
    ) }}

),

flagged as (

    select
        buyer_days.*,
        after_sales_buyer_days.buyer_uid is not null as is_after_sales
    from buyer_days
    left join after_sales_buyer_days
        on
            buyer_days.mall_id = after_sales_buyer_days.mall_id
            and buyer_days.buyer_uid = after_sales_buyer_days.buyer_uid
            and buyer_days.service_date = after_sales_buyer_days.service_date

),

final as (

    select
        scope,
        mall_id,
        cs_uid,
        shift_name,
        service_date,
        count(*) filter (scope != 'mall' or buyer_messages > 0)
            as consult_buyers,
        count(*) filter (is_assessed) as assessed_consult_buyers,
        count(*) filter (agent_messages > 0) as received_buyers,
        sum(assessed_messages) as assessed_messages,
        sum(messages_replied_30s) as messages_replied_30s,
        sum(answered_messages) as answered_messages,
        sum(response_ms) as response_ms,
        sum(response_speed_ms) as response_speed_ms,
        count(*) filter (is_late_3min) as late_buyers_3min,
        count(*) filter (is_late_5min) as late_buyers_5min,
        count(*) filter (is_ineffective) as ineffective_buyers,
        count(first_response_ms) as first_responses,
        sum(first_response_ms) as first_response_ms,
        sum(agent_messages) as agent_messages,
        sum(buyer_messages) as buyer_messages,
        count(*) filter (is_assessed_all_day) as assessed_consult_buyers_all_day,
        count(*) filter (is_late_3min_all_day) as late_buyers_3min_all_day,
        sum(assessed_messages_all_day) as assessed_messages_all_day,
        sum(messages_replied_30s_all_day) as messages_replied_30s_all_day,
        count(*) filter (is_after_sales and is_assessed)
            as after_sales_assessed_buyers,
        count(*) filter (is_after_sales and is_ineffective)
            as after_sales_ineffective_buyers,
        sum(assessed_messages) filter (is_after_sales)
            as after_sales_assessed_messages,
        sum(answered_messages) filter (is_after_sales)
            as after_sales_answered_messages,
        sum(response_ms) filter (is_after_sales) as after_sales_response_ms
    from flagged
    group by scope, mall_id, cs_uid, shift_name, service_date

)

select * from final
