{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__orders',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__orders'), by='changes.base_pdd__orders', key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['order_sn'],
        newest_by=['updated_at', 'loaded_at'],
        columns=[
            'mall_id', 'order_sn', 'buyer_uid', 'created_at', 'paid_at',
            'confirmed_at', 'shipped_at', 'received_at', 'updated_at',
            'order_status', 'group_status', 'confirm_status', 'refund_status',
            'after_sales_status', 'risk_control_status', 'is_lucky_flag',
            'goods_id', 'goods_count', 'goods_amount', 'discount_amount',
            'postage', 'pay_amount',
        ],
        times=[
            'created_at', 'paid_at', 'confirmed_at', 'shipped_at',
            'received_at', 'updated_at',
        ],
    ) }}

)

select * from final
