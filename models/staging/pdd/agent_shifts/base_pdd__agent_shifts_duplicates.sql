{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__agent_shifts',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__agent_shifts'), by='changes.base_pdd__agent_shifts', key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['mall_id', 'cs_uid', 'start_at'],
        newest_by=['loaded_at'],
        columns=['mall_id', 'cs_uid', 'shift_name', 'start_at', 'end_at'],
        times=['start_at', 'end_at'],
    ) }}

)

select * from final
