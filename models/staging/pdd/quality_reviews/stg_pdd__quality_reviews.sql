{{ config(materialized='view') }}

with

current_versions as (

    {{ current_versions('quality_reviews') }}

),

final as (

    select
        review_id,
        mall_id,
        cs_uid,
        buyer_uid,
        problem_solving,
        communication,
        professionalism,
        after_sales,
        service_date,
        loaded_at,
        load_date
    from current_versions

)

select * from final
