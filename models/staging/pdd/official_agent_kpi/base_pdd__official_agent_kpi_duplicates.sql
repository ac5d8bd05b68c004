{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__official_agent_kpi',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__official_agent_kpi'), by='changes.base_pdd__official_agent_kpi',
        key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['mall_id', 'period_start', 'period_end', 'row_type', 'cs_account'],
        newest_by=['loaded_at'],
        columns=[
            'mall_id', 'period_start', 'period_end', 'row_type', 'cs_account',
            'service_score', 'consult_buyers', 'inquiry_buyers',
            'inquiry_lost_buyers', 'final_group_buyers', 'need_human_buyers',
            'received_buyers', 'late_buyers_3min', 'rating_count',
            'low_rating_count', 'dispute_refund_count', 'complaint_count',
            'sales_amount', 'net_sales_amount', 'improvable_sales_amount',
            'inquiry_conversion_rate', 'reply_rate_3min', 'reply_rate_3min_all_day',
            'reply_rate_30s', 'reply_rate_30s_all_day', 'low_rating_rate',
            'avg_response_seconds', 'avg_response_printed',
        ],
    ) }}

)

select * from final
