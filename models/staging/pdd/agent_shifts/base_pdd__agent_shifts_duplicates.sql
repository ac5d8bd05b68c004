with

versions as (

    select * from {{ ref('base_pdd__agent_shifts') }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['mall_id', 'cs_uid', 'start_at'],
        newest_by=['loaded_at'],
        columns=['mall_id', 'cs_uid', 'shift_name', 'start_at', 'end_at'],
        times=['start_at', 'end_at'],
    ) }}

)

select * from final
