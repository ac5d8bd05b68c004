{{ config(materialized='view') }}

with

current_versions as (

    {{ current_versions('ratings') }}

),

final as (

    select
        rating_id,
        mall_id,
        buyer_uid,
        cs_uid,
        order_sn,
        score,
        created_at,
        loaded_at,
        load_date
    from current_versions

)

select * from final
