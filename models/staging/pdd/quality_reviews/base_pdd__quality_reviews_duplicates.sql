{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.base_pdd__quality_reviews',
            'touched_key': ['key_hash'],
        },
    )
}}

with

versions as {{ materialized_if_touched() }} (

    select * from {{ only_touched(
        ref('base_pdd__quality_reviews'), by='changes.base_pdd__quality_reviews', key=['key_hash']
    ) }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['review_id'],
        newest_by=['loaded_at'],
        columns=[
            'review_id', 'mall_id', 'cs_uid', 'buyer_uid', 'service_date',
            'problem_solving', 'communication', 'professionalism',
            'after_sales',
        ],
    ) }}

)

select * from final
