{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__malls') }}

),

final as (

    select
        versions.landed.mall_id,
        versions.landed.mall_name,
        versions.landed.merchant_type,
        versions.landed.category_name,
        versions.landed.opened_on,
        versions.landed._loaded_at,
        versions.landed._source_file,
        versions.load_date,
        versions.reject_reason
    from versions
    where versions.reject_reason is not null

)

select * from final
