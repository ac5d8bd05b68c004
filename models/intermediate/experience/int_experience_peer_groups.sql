-- Each scored mall stands in two groups a day, its category and all malls; the
-- one with is_own decides its own place, and in both it is a peer to others.
with

peers as (

    select * from {{ ref('int_experience_peers') }}
    where is_scored

),

final as (

    select
        mall_id,
        as_of_date,
        'category' as comparison,
        category_name as peer_group,
        peer_scope = 'category' as is_own
    from peers
    union all
    select
        mall_id,
        as_of_date,
        'all' as comparison,
        'all' as peer_group,
        peer_scope = 'all' as is_own
    from peers

)

select * from final
