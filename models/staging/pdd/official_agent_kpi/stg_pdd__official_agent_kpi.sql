{{ config(materialized='view') }}

with

current_versions as (

    {{ current_versions('official_agent_kpi') }}

),

final as (

    select
        mall_id,
        period_start,
        period_end,
        row_type,
        cs_account,
        service_score,
        consult_buyers,
        inquiry_buyers,
        inquiry_lost_buyers,
        final_group_buyers,
        need_human_buyers,
        received_buyers,
        late_buyers_3min,
        rating_count,
        low_rating_count,
        dispute_refund_count,
        complaint_count,
        sales_amount,
        net_sales_amount,
        improvable_sales_amount,
        inquiry_conversion_rate,
        reply_rate_3min,
        reply_rate_3min_all_day,
        reply_rate_30s,
        reply_rate_30s_all_day,
        low_rating_rate,
        avg_response_seconds,
        avg_response_printed,
        loaded_at,
        load_date
    from current_versions

)

select * from final
