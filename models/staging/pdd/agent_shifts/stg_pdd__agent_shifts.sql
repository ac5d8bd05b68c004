{{ config(materialized='view') }}

with

current_versions as (

    {{ current_versions('agent_shifts') }}

),

final as (

    select
        mall_id,
        cs_uid,
        shift_name,
        start_at,
        end_at,
        loaded_at,
        load_date
    from current_versions

)

select * from final
