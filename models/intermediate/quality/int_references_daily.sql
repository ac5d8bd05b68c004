{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_loads',
            'touched_key': ['source', 'load_date'],
        },
    )
}}

with

final as (

    {{ count_references('mall_id', [
        'messages', 'orders', 'refunds', 'complaints', 'agents',
        'agent_shifts', 'ratings', 'quality_reviews', 'excluded_buyers',
    ]) }}
    union all
    {{ count_references('cs_uid', [
        'messages', 'complaints', 'agent_shifts', 'ratings',
        'quality_reviews',
    ]) }}
    union all
    {{ count_references('assigned_cs_uid', ['messages']) }}
    union all
    {{ count_references('order_sn', [
        'messages', 'refunds', 'complaints', 'ratings',
    ]) }}

)

select * from final
