with

unreadable as (

    select * from {{ ref('stg_pdd__unreadable') }}

),

malls as (

    select * from {{ ref('stg_pdd__malls') }}

),

agents as (

    select * from {{ ref('stg_pdd__agents') }}

),

orders as (

    select * from {{ ref('int_orders_identified') }}

),

references_daily as (

    select * from {{ ref('int_references_daily') }}

),

unknown_members as (

    select references_daily.*
    from references_daily
    anti join malls on references_daily.member = malls.mall_id
    where references_daily.column_name = 'mall_id'
    union all
    select references_daily.*
    from references_daily
    anti join agents
        on
            references_daily.mall_id = agents.mall_id
            and references_daily.member = agents.cs_uid
    where references_daily.column_name in ('cs_uid', 'assigned_cs_uid')

),

final as (

    select
        source,
        load_date,
        column_name,
        'unreadable' as issue,
        rows
    from unreadable
    union all
    select
        source,
        load_date,
        column_name,
        'unknown_member' as issue,
        cast(sum(rows) as bigint) as rows
    from unknown_members
    group by source, load_date, column_name
    union all
    select
        source,
        load_date,
        'order_sn' as column_name,
        'unknown_member' as issue,
        rows
    from {{ ref('int_unknown_orders_daily') }}
    union all
    select
        'orders' as source,
        load_date,
        'buyer_uid' as column_name,
        case when buyers_named = 0 then 'unknown_buyer' else 'several_buyers' end
            as issue,
        count(*) as rows
    from orders
    where buyers_named != 1 and {{ var('resolve_order_buyers') }}
    group by load_date, issue

)

select * from final
