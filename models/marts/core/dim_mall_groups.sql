with

mall_groups as (

    select * from {{ ref('mall_groups') }}

),

malls as (

    select * from {{ ref('dim_malls') }}

),

final as (

    select
        mall_groups.group_name,
        mall_groups.mall_id,
        malls.mall_id is null as is_unknown_member
    from mall_groups
    left join malls
        on mall_groups.mall_id = malls.mall_id

)

select * from final
