{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__orders') }}

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
        rejected.landed.order_sn,
        rejected.landed.buyer_uid,
        rejected.landed.created_time,
        rejected.landed.pay_time,
        rejected.landed.confirm_time,
        rejected.landed.shipping_time,
        rejected.landed.receive_time,
        rejected.landed.updated_at,
        rejected.landed.order_status,
        rejected.landed.group_status,
        rejected.landed.confirm_status,
        rejected.landed.refund_status,
        rejected.landed.after_sales_status,
        rejected.landed.risk_control_status,
        rejected.landed.is_lucky_flag,
        rejected.landed.goods_id,
        rejected.landed.goods_count,
        rejected.landed.goods_amount,
        rejected.landed.discount_amount,
        rejected.landed.postage,
        rejected.landed.pay_amount,
        rejected.landed._loaded_at,
        rejected.landed._source_file,
        rejected.load_date,
        rejected.reject_reason
    from rejected

)

select * from final
