-- Buyers of whom a message, an order or a refund came, changed or went, in any
-- of its versions, and those whose messages a robot's roster rows re-sort.
with

messages as (

    select
        mall_id,
        buyer_uid
    from {{ changes_of('base_pdd__messages') }}
    union
    select
        versions.mall_id,
        versions.buyer_uid
    from {{ ref('base_pdd__messages') }} as versions
    semi join {{ changes_of('base_pdd__messages') }} as changes
        on versions.key_hash = changes.key_hash

),

robots as (

    select
        mall_id,
        cs_uid
    from {{ changes_of('int_robot_periods') }}

),

robot_messages as (

    select
        versions.mall_id,
        versions.buyer_uid
    from {{ ref('base_pdd__messages') }} as versions
    semi join robots
        on versions.mall_id = robots.mall_id and versions.cs_uid = robots.cs_uid
    union
    select
        versions.mall_id,
        versions.buyer_uid
    from {{ ref('base_pdd__messages') }} as versions
    semi join robots
        on
            versions.mall_id = robots.mall_id
            and versions.assigned_cs_uid = robots.cs_uid

),

refunds as (

    select
        mall_id,
        buyer_uid,
        order_sn
    from {{ changes_of('base_pdd__refunds') }}
    union
    select
        versions.mall_id,
        versions.buyer_uid,
        versions.order_sn
    from {{ ref('base_pdd__refunds') }} as versions
    semi join {{ changes_of('base_pdd__refunds') }} as changes
        on versions.key_hash = changes.key_hash

),

order_numbers as (

    select order_sn from refunds
    union
    select order_sn from {{ changes_of('base_pdd__orders') }}

),

orders as (

    select
        mall_id,
        buyer_uid
    from {{ changes_of('base_pdd__orders') }}
    union
    select
        versions.mall_id,
        versions.buyer_uid
    from {{ ref('base_pdd__orders') }} as versions
    semi join order_numbers
        on versions.order_sn = order_numbers.order_sn

),

touched as (

    select * from messages
    union
    select * from robot_messages
    union
    select
        mall_id,
        buyer_uid
    from refunds
    union
    select * from orders

),

final as (

    select
        mall_id,
        buyer_uid,
        {{ buyer_key() }} as buyer_key
    from touched
    where mall_id is not null and buyer_uid is not null

)

select * from final
