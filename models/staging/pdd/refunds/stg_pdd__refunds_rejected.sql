{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__refunds') }}

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
        rejected.landed.id,
        rejected.landed.order_sn,
        rejected.landed.buyer_uid,
        rejected.landed.after_sales_type,
        rejected.landed.after_sales_status,
        rejected.landed.after_sale_reason,
        rejected.landed.problem_code,
        rejected.landed.created_time,
        rejected.landed.recreated_at,
        rejected.landed.updated_time,
        rejected.landed.refund_success_time,
        rejected.landed.refund_amount,
        rejected.landed.dispute_refund_status,
        rejected.landed.join_or_not,
        rejected.landed.liability,
        rejected.landed.sign_time,
        rejected.landed._loaded_at,
        rejected.landed._source_file,
        rejected.load_date,
        rejected.reject_reason
    from rejected

)

select * from final
