{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__agent_shifts') }}

),

final as (

    select
        versions.landed.mall_id,
        versions.landed.cs_uid,
        versions.landed.shift_name,
        versions.landed.start_at,
        versions.landed.end_at,
        versions.landed._loaded_at,
        versions.landed._source_file,
        versions.load_date,
        versions.reject_reason
    from versions
    where versions.reject_reason is not null

)

select * from final
