{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__complaints',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__complaints'), by='changes.base_pdd__complaints', key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['complaint_id'],
        newest_by=['loaded_at'],
        columns=[
            'complaint_id', 'mall_id', 'buyer_uid', 'order_sn', 'cs_uid',
            'channel', 'problem_code', 'created_at', 'is_valid', 'liability',
        ],
        times=['created_at'],
    ) }}

)

select * from final
