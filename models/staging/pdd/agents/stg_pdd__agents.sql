with

versions as (

    select * from {{ ref('base_pdd__agents') }}

),

duplicates as (

    select * from {{ ref('base_pdd__agents_duplicates') }}

),

current_versions as (

    {{ current_versions(
        'versions', 'duplicates', key=['mall_id', 'cs_uid', 'valid_from']
    ) }}

),

final as (

    select
        mall_id,
        cs_uid,
        cs_name,
        agent_role,
        coalesce(is_robot, false) as is_robot,
        valid_from,
        valid_to,
        loaded_at,
        load_date
    from current_versions

)

select * from final
