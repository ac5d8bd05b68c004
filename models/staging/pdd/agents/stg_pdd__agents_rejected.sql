{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__agents') }}

),

rejected as (

    select
        landed[1] as landed,
        load_date,
        reject_reason
    from versions
    where reject_reason is not null

),

final as (

    select
        rejected.landed.mall_id,
        rejected.landed.cs_uid,
        rejected.landed.cs_name,
        rejected.landed.agent_role,
        rejected.landed.is_robot,
        rejected.landed.valid_from,
        rejected.landed.valid_to,
        rejected.landed._loaded_at,
        rejected.landed._source_file,
        rejected.load_date,
        rejected.reject_reason
    from rejected

)

select * from final
