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

    select * from {{ ref('stg_pdd__orders') }}

),

mall_references as (

    {{ count_references('mall_id', [
        'messages', 'orders', 'refunds', 'complaints', 'agents',
        'agent_shifts', 'ratings', 'quality_reviews', 'excluded_buyers',
    ]) }}

),

agent_references as (

    {{ count_references('cs_uid', [
        'messages', 'complaints', 'agent_shifts', 'ratings',
        'quality_reviews',
    ]) }}
    union all
    {{ count_references('assigned_cs_uid', ['messages']) }}

),

order_references as (

    {{ count_references('order_sn', [
        'messages', 'refunds', 'complaints', 'ratings',
    ]) }}

),

unknown_members as (

    select mall_references.*
    from mall_references
    anti join malls on mall_references.member = malls.mall_id
    union all
    select agent_references.*
    from agent_references
    anti join agents
        on
            agent_references.mall_id = agents.mall_id
            and agent_references.member = agents.cs_uid
    union all
    select order_references.*
    from order_references
    anti join orders
        on
            order_references.mall_id = orders.mall_id
            and order_references.member = orders.order_sn

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

)

select * from final
