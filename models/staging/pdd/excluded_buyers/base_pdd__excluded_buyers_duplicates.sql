with

versions as (

    select * from {{ ref('base_pdd__excluded_buyers') }}

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
