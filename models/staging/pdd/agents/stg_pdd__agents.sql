{{ config(materialized='view') }}

with

current_versions as (

    {{ current_versions('agents') }}

),

final as (

    select
        mall_id,
        cs_uid,
        cs_name,
        agent_role,
        coalesce(is_robot, false) as is_robot,
        valid_from,
        valid_to,
        loaded_at,
        load_date
    from current_versions

)

select * from final
