{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__ratings') }}

),

final as (

    select
        versions.landed.rating_id,
        versions.landed.mall_id,
        versions.landed.buyer_uid,
        versions.landed.cs_uid,
        versions.landed.order_sn,
        versions.landed.score,
        versions.landed.created_time,
        versions.landed._loaded_at,
        versions.landed._source_file,
        versions.load_date,
        versions.reject_reason
    from versions
    where versions.reject_reason is not null

)

select * from final
