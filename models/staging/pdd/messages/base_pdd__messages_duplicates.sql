{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__messages',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__messages'), by='changes.base_pdd__messages', key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['mall_id', 'msg_id'],
        newest_by=['loaded_at'],
        columns=[
            'mall_id', 'msg_id', 'buyer_uid', 'from_role', 'cs_uid',
            'assigned_cs_uid', 'message_type', 'template_name', 'content',
            'sent_at', 'need_reply', 'is_spam', 'order_sn', 'problem_code',
        ],
        times=['sent_at'],
        told_by_these=['service_date'],
    ) }}

)

select * from final
