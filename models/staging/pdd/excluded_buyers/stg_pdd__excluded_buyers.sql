{{ config(materialized='view') }}

with

current_versions as (

    {{ current_versions('excluded_buyers') }}

),

final as (

    select
        mall_id,
        buyer_uid,
        valid_from,
        valid_to,
        loaded_at,
        load_date
    from current_versions

)

select * from final
