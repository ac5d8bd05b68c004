-- Days of a buyer on which a message came, changed or went, in any of its versions,
-- and those whose messages a robot's roster rows re-sort.
with

robots as (

    select
        mall_id,
        cs_uid
    from {{ changes_of('int_robot_periods') }}

),

robot_messages as (

    select
        versions.mall_id,
        versions.buyer_uid,
        versions.service_date
    from {{ ref('base_pdd__messages') }} as versions
    semi join robots
        on versions.mall_id = robots.mall_id and versions.cs_uid = robots.cs_uid
    union
    select
        versions.mall_id,
        versions.buyer_uid,
        versions.service_date
    from {{ ref('base_pdd__messages') }} as versions
    semi join robots
        on
            versions.mall_id = robots.mall_id
            and versions.assigned_cs_uid = robots.cs_uid

),

touched as (

    select * from {{ rows_of_changed_keys(
        'base_pdd__messages', ['mall_id', 'buyer_uid', 'service_date']
    ) }}
    union
    select * from robot_messages

),

final as (

    select
        mall_id,
        buyer_uid,
        service_date
    from touched
    where
        mall_id is not null
        and buyer_uid is not null
        and service_date is not null

)

select * from final
