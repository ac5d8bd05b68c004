{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__agents') }}

),

final as (

    select
        versions.landed.mall_id,
        versions.landed.cs_uid,
        versions.landed.cs_name,
        versions.landed.agent_role,
        versions.landed.is_robot,
        versions.landed.valid_from,
        versions.landed.valid_to,
        versions.landed._loaded_at,
        versions.landed._source_file,
        versions.load_date,
        versions.reject_reason
    from versions
    where versions.reject_reason is not null

)

select * from final
