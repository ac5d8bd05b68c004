-- The platform's service performance report, with the agents whom its accounts
-- stand for. When it was exported is not in it: it was not after it was landed.
with

reports as (

    select * from {{ ref('stg_pdd__official_agent_kpi') }}

),

accounts as (

    select * from {{ ref('int_official_accounts') }}

),

final as (

    select
        reports.mall_id,
        reports.period_start,
        reports.period_end,
        reports.row_type,
        reports.cs_account,
        reports.service_score,
        reports.consult_buyers,
        reports.inquiry_buyers,
        reports.inquiry_lost_buyers,
        reports.final_group_buyers,
        reports.need_human_buyers,
        reports.received_buyers,
        reports.late_buyers_3min,
        reports.rating_count,
        reports.low_rating_count,
        reports.dispute_refund_count,
        reports.complaint_count,
        reports.sales_amount,
        reports.net_sales_amount,
        reports.improvable_sales_amount,
        reports.inquiry_conversion_rate,
        reports.reply_rate_3min,
        reports.reply_rate_3min_all_day,
        reports.reply_rate_30s,
        reports.reply_rate_30s_all_day,
        reports.low_rating_rate,
        reports.avg_response_seconds,
        reports.avg_response_printed,
        accounts.cs_uid,
        accounts.account_status,
        {{ local_time_of_utc('reports.loaded_at') }} as exported_at,
        reports.loaded_at = max(reports.loaded_at) over (
            partition by reports.mall_id, reports.period_start, reports.period_end
        ) as is_in_newest_export
    from reports
    left join accounts
        on
            reports.mall_id = accounts.mall_id
            and reports.period_start = accounts.period_start
            and reports.period_end = accounts.period_end
            and reports.cs_account = accounts.cs_account

)

select * from final
