with

versions as (

    select * from {{ ref('base_pdd__ratings') }}

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
