with

reports as (

    select * from {{ ref('int_official_reports') }}

),

final as (

    select
        mall_id,
        period_start,
        period_end,
        row_type,
        cs_account,
        cs_uid,
        account_status,
        exported_at,
        is_in_newest_export,
        avg_response_printed,
        service_score as official_service_score,
        consult_buyers as official_consult_buyers,
        inquiry_buyers as official_inquiry_buyers,
        inquiry_lost_buyers as official_inquiry_lost_buyers,
        final_group_buyers as official_final_group_buyers,
        need_human_buyers as official_need_human_buyers,
        received_buyers as official_received_buyers,
        late_buyers_3min as official_late_buyers_3min,
        rating_count as official_rating_count,
        low_rating_count as official_low_rating_count,
        dispute_refund_count as official_dispute_refund_count,
        complaint_count as official_complaint_count,
        sales_amount as official_sales_amount,
        net_sales_amount as official_net_sales_amount,
        improvable_sales_amount as official_improvable_sales_amount,
        inquiry_conversion_rate as official_inquiry_conversion_rate,
        reply_rate_3min as official_reply_rate_3min,
        reply_rate_3min_all_day as official_reply_rate_3min_all_day,
        reply_rate_30s as official_reply_rate_30s,
        reply_rate_30s_all_day as official_reply_rate_30s_all_day,
        low_rating_rate as official_low_rating_rate,
        avg_response_seconds as official_avg_response_seconds
    from reports

)

select * from final
