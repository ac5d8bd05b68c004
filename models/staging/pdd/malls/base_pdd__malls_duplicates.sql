{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__malls',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__malls'), by='changes.base_pdd__malls', key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['mall_id'],
        newest_by=['loaded_at'],
        columns=[
            'mall_id', 'mall_name', 'merchant_type', 'category_name',
            'opened_on',
        ],
    ) }}

)

select * from final
