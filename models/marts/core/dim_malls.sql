with

malls as (

    select * from {{ ref('int_malls_categorized') }}

),

final as (

    select
        mall_id,
        mall_name,
        category_name,
        cast(merchant_type as bigint) as merchant_type,
        is_unknown_member,
        opened_on
    from malls

)

select * from final
