{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__official_agent_kpi') }}

),

rejected as (

    select
        landed[1] as landed,
        load_date,
        reject_reason
    from versions
    where reject_reason is not null

),

final as (

    select
        rejected.landed.mall_id,
        rejected.landed.period_start,
        rejected.landed.period_end,
        rejected.landed.row_type,
        rejected.landed.cs_account,
        rejected.landed.service_score,
        rejected.landed.consult_buyers,
        rejected.landed.inquiry_buyers,
        rejected.landed.inquiry_lost_buyers,
        rejected.landed.final_group_buyers,
        rejected.landed.need_human_buyers,
        rejected.landed.received_buyers,
        rejected.landed.late_buyers_3min,
        rejected.landed.rating_count,
        rejected.landed.low_rating_count,
        rejected.landed.dispute_refund_count,
        rejected.landed.complaint_count,
        rejected.landed.sales_amount,
        rejected.landed.net_sales_amount,
        rejected.landed.improvable_sales_amount,
        rejected.landed.inquiry_conversion_rate,
        rejected.landed.reply_rate_3min,
        rejected.landed.reply_rate_3min_all_day,
        rejected.landed.reply_rate_30s,
        rejected.landed.reply_rate_30s_all_day,
        rejected.landed.low_rating_rate,
        rejected.landed.avg_response_seconds,
        rejected.landed.avg_response_printed,
        rejected.landed._loaded_at,
        rejected.landed._source_file,
        rejected.load_date,
        rejected.reject_reason
    from rejected

)

select * from final
