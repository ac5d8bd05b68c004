-- Every mall and agent that any accepted row names, with or without a roster.
with

met as (

    select
        mall_id,
        cs_uid
    from {{ ref('stg_pdd__messages') }}
    union
    select
        mall_id,
        assigned_cs_uid as cs_uid
    from {{ ref('stg_pdd__messages') }}
    union
    select
        mall_id,
        null as cs_uid
    from {{ ref('stg_pdd__orders') }}
    union
    select
        mall_id,
        null as cs_uid
    from {{ ref('stg_pdd__refunds') }}
    union
    select
        mall_id,
        cs_uid
    from {{ ref('stg_pdd__complaints') }}
    union
    select
        mall_id,
        cs_uid
    from {{ ref('stg_pdd__agents') }}
    union
    select
        mall_id,
        cs_uid
    from {{ ref('stg_pdd__agent_shifts') }}
    union
    select
        mall_id,
        cs_uid
    from {{ ref('stg_pdd__ratings') }}
    union
    select
        mall_id,
        cs_uid
    from {{ ref('stg_pdd__quality_reviews') }}
    union
    select
        mall_id,
        null as cs_uid
    from {{ ref('stg_pdd__excluded_buyers') }}
    where mall_id is not null

),

final as (

    select
        mall_id,
        cs_uid
    from met
    group by mall_id, cs_uid

)

select * from final
