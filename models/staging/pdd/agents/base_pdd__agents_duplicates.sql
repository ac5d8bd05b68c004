with

versions as (

    select * from {{ ref('base_pdd__agents') }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['mall_id', 'cs_uid', 'valid_from'],
        newest_by=['loaded_at'],
        columns=[
            'mall_id', 'cs_uid', 'cs_name', 'agent_role', 'is_robot',
            'valid_from', 'valid_to',
        ],
    ) }}

)

select * from final
