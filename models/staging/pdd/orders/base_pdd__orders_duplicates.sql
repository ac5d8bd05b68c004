with

versions as (

    select * from {{ ref('base_pdd__orders') }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['order_sn'],
        newest_by=['updated_at', 'loaded_at'],
        text_form=[
            'mall_id', 'order_sn', 'buyer_uid', time_text('created_at'),
            time_text('paid_at'), time_text('confirmed_at'),
            time_text('shipped_at'), time_text('received_at'),
            time_text('updated_at'), 'order_status', 'group_status',
            'confirm_status', 'refund_status', 'after_sales_status',
            'risk_control_status', 'is_lucky_flag', 'goods_id', 'goods_count',
            'goods_amount', 'discount_amount', 'postage', 'pay_amount',
        ],
    ) }}

)

select * from final
