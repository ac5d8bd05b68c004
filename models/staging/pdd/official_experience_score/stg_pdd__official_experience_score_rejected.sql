{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__official_experience_score') }}

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
        rejected.landed.as_of_date,
        rejected.landed.measure,
        rejected.landed.name,
        rejected.landed.value,
        rejected.landed._loaded_at,
        rejected.landed._source_file,
        rejected.load_date,
        rejected.reject_reason
    from rejected

)

select * from final
