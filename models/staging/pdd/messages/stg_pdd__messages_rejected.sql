{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__messages') }}

),

final as (

    select
        versions.landed.mall_id,
        versions.landed.msg_id,
        versions.landed.buyer_uid,
        versions.landed.from_role,
        versions.landed.cs_uid,
        versions.landed.assigned_cs_uid,
        versions.landed.type,
        versions.landed.template_name,
        versions.landed.content,
        versions.landed.ts,
        versions.landed.need_reply,
        versions.landed.is_spam,
        versions.landed.order_sn,
        versions.landed.problem_code,
        versions.landed._loaded_at,
        versions.landed._source_file,
        versions.load_date,
        versions.reject_reason
    from versions
    where versions.reject_reason is not null

)

select * from final
