with

versions as (

    select * from {{ ref('base_pdd__complaints') }}

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
