with

versions as (

    select * from {{ ref('base_pdd__malls') }}

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
