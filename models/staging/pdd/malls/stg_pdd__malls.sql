{{ config(materialized='view') }}

with

current_versions as (

    {{ current_versions('malls') }}

),

final as (

    select
        mall_id,
        mall_name,
        category_name,
        merchant_type,
        opened_on,
        loaded_at,
        load_date
    from current_versions

)

select * from final
