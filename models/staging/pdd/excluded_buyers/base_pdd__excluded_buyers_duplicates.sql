{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__excluded_buyers',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__excluded_buyers'), by='changes.base_pdd__excluded_buyers', key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['mall_id', 'buyer_uid', 'valid_from'],
        newest_by=['loaded_at'],
        columns=['mall_id', 'buyer_uid', 'valid_from', 'valid_to'],
    ) }}

)

select * from final
