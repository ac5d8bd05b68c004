{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__orders') }}

),

final as (

    select
        versions.landed.mall_id,
        versions.landed.order_sn,
        versions.landed.buyer_uid,
        versions.landed.created_time,
        versions.landed.pay_time,
        versions.landed.confirm_time,
        versions.landed.shipping_time,
        versions.landed.receive_time,
        versions.landed.updated_at,
        versions.landed.order_status,
        versions.landed.group_status,
        versions.landed.confirm_status,
        versions.landed.refund_status,
        versions.landed.after_sales_status,
        versions.landed.risk_control_status,
        versions.landed.is_lucky_flag,
        versions.landed.goods_id,
        versions.landed.goods_count,
        versions.landed.goods_amount,
        versions.landed.discount_amount,
        versions.landed.postage,
        versions.landed.pay_amount,
        versions.landed._loaded_at,
        versions.landed._source_file,
        versions.load_date,
        versions.reject_reason
    from versions
    where versions.reject_reason is not null

)

select * from final
