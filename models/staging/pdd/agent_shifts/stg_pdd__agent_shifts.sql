with

versions as (

    select * from {{ ref('base_pdd__agent_shifts') }}

),

duplicates as (

    select * from {{ ref('base_pdd__agent_shifts_duplicates') }}

),

current_versions as (

    {{ current_versions(
        'versions', 'duplicates', key=['mall_id', 'cs_uid', 'start_at']
    ) }}

),

final as (

    select
        mall_id,
        cs_uid,
        shift_name,
        start_at,
        end_at,
        loaded_at,
        load_date
    from current_versions

)

select * from final
