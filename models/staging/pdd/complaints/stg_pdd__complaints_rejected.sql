{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__complaints') }}

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
        rejected.landed.complaint_id,
        rejected.landed.mall_id,
        rejected.landed.buyer_uid,
        rejected.landed.order_sn,
        rejected.landed.cs_uid,
        rejected.landed.channel,
        rejected.landed.problem_code,
        rejected.landed.created_time,
        rejected.landed.is_valid,
        rejected.landed.liability,
        rejected.landed._loaded_at,
        rejected.landed._source_file,
        rejected.load_date,
        rejected.reject_reason
    from rejected

)

select * from final
