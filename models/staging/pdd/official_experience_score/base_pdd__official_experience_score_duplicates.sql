{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__official_experience_score',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__official_experience_score'), by='changes.base_pdd__official_experience_score',
        key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['mall_id', 'as_of_date', 'measure', 'item_name'],
        newest_by=['loaded_at'],
        columns=[
            'mall_id', 'as_of_date', 'measure', 'item_name', 'official_value',
        ],
    ) }}

)

select * from final
