{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('base_pdd__messages') }}

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
        rejected.landed.msg_id,
        rejected.landed.buyer_uid,
        rejected.landed.from_role,
        rejected.landed.cs_uid,
        rejected.landed.assigned_cs_uid,
        rejected.landed.type,
        rejected.landed.template_name,
        rejected.landed.content,
        rejected.landed.ts,
        rejected.landed.need_reply,
        rejected.landed.is_spam,
        rejected.landed.order_sn,
        rejected.landed.problem_code,
        rejected.landed._loaded_at,
        rejected.landed._source_file,
        rejected.load_date,
        rejected.reject_reason
    from rejected

)

select * from final
