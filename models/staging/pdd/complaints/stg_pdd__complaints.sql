{{ config(materialized='view') }}

with

current_versions as (

    {{ current_versions('complaints') }}

),

final as (

    select
        complaint_id,
        mall_id,
        buyer_uid,
        order_sn,
        cs_uid,
        channel,
        problem_code,
        liability,
        coalesce(is_valid, true) as is_valid,
        created_at,
        loaded_at,
        load_date
    from current_versions

)

select * from final
