with

versions as (

    select * from {{ ref('base_pdd__quality_reviews') }}

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
