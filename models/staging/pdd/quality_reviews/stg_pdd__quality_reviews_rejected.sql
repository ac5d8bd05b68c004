{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__quality_reviews') }}

),

final as (

    select
        versions.landed.review_id,
        versions.landed.mall_id,
        versions.landed.cs_uid,
        versions.landed.buyer_uid,
        versions.landed.service_date,
        versions.landed.problem_solving,
        versions.landed.communication,
        versions.landed.professionalism,
        versions.landed.after_sales,
        versions.landed._loaded_at,
        versions.landed._source_file,
        versions.load_date,
        versions.reject_reason
    from versions
    where versions.reject_reason is not null

)

select * from final
