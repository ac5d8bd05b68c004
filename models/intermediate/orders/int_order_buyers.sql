-- Who named an order in the chat: for orders that come without their buyer. With
-- the var resolve_order_buyers off nobody is asked for.
{%- set touched = {
    'by': 'int_touched_order_numbers', 'key': ['mall_id', 'order_sn'],
} %}
{{ config(
    materialized='incremental',
    meta={
        'touched_by': touched.by, 'touched_key': touched.key,
        'changes': {
            'mall_id': 'varchar', 'order_sn': 'varchar', 'buyer_uid': 'varchar',
        },
    },
) }}

with

messages as (

    select * from {{ only_touched(ref('stg_pdd__messages'), **touched) }}
    where
        from_role = 'user'
        and order_sn is not null
        and {{ var('resolve_order_buyers') }}

),

final as (

    select
        mall_id,
        order_sn,
        count(distinct buyer_uid) as buyers,
        case when buyers = 1 then min(buyer_uid) end as buyer_uid
    from messages
    group by mall_id, order_sn

)

select * from final
