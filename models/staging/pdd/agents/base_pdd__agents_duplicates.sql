{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__agents',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__agents'), by='changes.base_pdd__agents', key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['mall_id', 'cs_uid', 'valid_from'],
        newest_by=['loaded_at'],
        columns=[
            'mall_id', 'cs_uid', 'cs_name', 'agent_role', 'is_robot',
            'valid_from', 'valid_to',
        ],
    ) }}

)

select * from final
