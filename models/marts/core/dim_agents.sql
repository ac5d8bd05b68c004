with

roster as (

    select * from {{ ref('int_agents_rostered') }}

),

agents_met as (

    select * from {{ ref('int_members_met') }}
    where cs_uid is not null

),

final as (

    select
        agents_met.mall_id,
        agents_met.cs_uid,
        roster.cs_name,
        roster.agent_role,
        coalesce(roster.is_robot, false) as is_robot,
        roster.cs_uid is null as is_unknown_member,
        roster.valid_from,
        roster.valid_to
    from agents_met
    left join roster
        on
            agents_met.mall_id = roster.mall_id
            and agents_met.cs_uid = roster.cs_uid

)

select * from final
