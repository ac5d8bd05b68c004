{{ config(materialized='view') }}

with

current_versions as (

    {{ current_versions('official_experience_score') }}

),

final as (

    select
        mall_id,
        as_of_date,
        measure,
        item_name,
        official_value,
        loaded_at,
        load_date
    from current_versions

)

select * from final
