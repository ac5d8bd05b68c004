with

versions as (

    select * from {{ ref('base_pdd__agent_shifts') }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['mall_id', 'cs_uid', 'start_at'],
        newest_by=['loaded_at'],
        text_form=[
            'mall_id', 'cs_uid', 'shift_name', time_text('start_at'),
            time_text('end_at'),
        ],
    ) }}

)

select * from final
