{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__ratings',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__ratings'), by='changes.base_pdd__ratings', key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['rating_id'],
        newest_by=['loaded_at'],
        columns=[
            'rating_id', 'mall_id', 'buyer_uid', 'cs_uid', 'order_sn', 'score',
            'created_at',
        ],
        times=['created_at'],
    ) }}

)

select * from final
