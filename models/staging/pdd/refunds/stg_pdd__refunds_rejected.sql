{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__refunds') }}

),

final as (

    select
        versions.landed.mall_id,
        versions.landed.id,
        versions.landed.order_sn,
        versions.landed.buyer_uid,
        versions.landed.after_sales_type,
        versions.landed.after_sales_status,
        versions.landed.after_sale_reason,
        versions.landed.problem_code,
        versions.landed.created_time,
        versions.landed.recreated_at,
        versions.landed.updated_time,
        versions.landed.refund_success_time,
        versions.landed.refund_amount,
        versions.landed.dispute_refund_status,
        versions.landed.join_or_not,
        versions.landed.liability,
        versions.landed.sign_time,
        versions.landed._loaded_at,
        versions.landed._source_file,
        versions.load_date,
        versions.reject_reason
    from versions
    where versions.reject_reason is not null

)

select * from final
