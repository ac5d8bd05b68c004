-- An agent who left and came back has several roster rows: the latest stint
-- speaks for him. A row without valid_from was there before any dated one.
with

agents as (

    select * from {{ ref('stg_pdd__agents') }}

),

final as (

    select
        mall_id,
        cs_uid,
        cs_name,
        agent_role,
        is_robot,
        valid_from,
        valid_to
    from agents
    qualify
        row_number() over (
            partition by mall_id, cs_uid
            order by valid_from desc nulls last
        ) = 1

)

select * from final
