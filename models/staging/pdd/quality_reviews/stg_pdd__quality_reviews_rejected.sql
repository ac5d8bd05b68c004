{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__quality_reviews') }}

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
        rejected.landed.review_id,
        rejected.landed.mall_id,
        rejected.landed.cs_uid,
        rejected.landed.buyer_uid,
        rejected.landed.service_date,
        rejected.landed.problem_solving,
        rejected.landed.communication,
        rejected.landed.professionalism,
        rejected.landed.after_sales,
        rejected.landed._loaded_at,
        rejected.landed._source_file,
        rejected.load_date,
        rejected.reject_reason
    from rejected

)

select * from final
