{%- set touched = {
    'by': 'int_touched_reference_loads', 'key': ['source', 'load_date'],
} %}
{{ config(
    materialized='incremental',
    meta={'touched_by': touched.by, 'touched_key': touched.key},
) }}

with

named as (

    select * from {{ only_touched(ref('int_references_daily'), **touched) }}
    where column_name = 'order_sn'

),

orders as (

    select * from {{ only_touched(
        ref('int_orders_classified'), by='cte.named',
        key={'mall_id': 'mall_id', 'order_sn': 'member'}
    ) }}

),

final as (

    select
        named.source,
        named.load_date,
        cast(sum(named.rows) as bigint) as rows
    from named
    anti join orders
        on
            named.mall_id = orders.mall_id
            and named.member = orders.order_sn
    group by named.source, named.load_date

)

select * from final
