-- The category in which a mall is compared; a mall that is met in the data but
-- not among the malls is compared with its like, under `unknown`.
with

members_met as (

    select mall_id
    from {{ ref('int_members_met') }}
    group by mall_id

),

malls as (

    select * from {{ ref('stg_pdd__malls') }}

),

final as (

    select
        coalesce(malls.mall_id, members_met.mall_id) as mall_id,
        malls.mall_name,
        malls.merchant_type,
        malls.opened_on,
        coalesce(malls.category_name, 'unknown') as category_name,
        malls.mall_id is null as is_unknown_member
    from malls
    full join members_met
        on malls.mall_id = members_met.mall_id

)

select * from final
