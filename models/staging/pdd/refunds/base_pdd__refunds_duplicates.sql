{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__refunds',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__refunds'), by='changes.base_pdd__refunds', key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['refund_id'],
        newest_by=['updated_at', 'loaded_at'],
        columns=[
            'mall_id', 'refund_id', 'order_sn', 'buyer_uid',
            'after_sales_type', 'after_sales_status', 'after_sale_reason',
            'problem_code', 'created_at', 'recreated_at', 'updated_at',
            'refund_success_at', 'refund_amount', 'dispute_refund_status',
            'join_or_not', 'liability', 'signed_at',
        ],
        times=[
            'created_at', 'recreated_at', 'updated_at', 'refund_success_at',
            'signed_at',
        ],
    ) }}

)

select * from final
