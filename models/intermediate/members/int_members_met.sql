-- Every mall and agent that any accepted row names, with or without a roster.
with

references_daily as (

    select * from {{ ref('int_references_daily') }}

),

met as (

    select
        mall_id,
        null as cs_uid
    from references_daily
    where column_name = 'mall_id'
    union
    select
        mall_id,
        member as cs_uid
    from references_daily
    where column_name in ('cs_uid', 'assigned_cs_uid')
    union
    select
        mall_id,
        cs_uid
    from {{ ref('stg_pdd__agents') }}

),

final as (

    select
        mall_id,
        cs_uid
    from met
    group by mall_id, cs_uid

)

select * from final
