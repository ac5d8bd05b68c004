-- Each scored mall stands in two groups a day, its category and all malls; the
-- one with is_own decides its own place, and in both it is a peer to others.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_as_of_dates',
            'touched_key': ['as_of_date'],
        },
    )
}}

with

peers as (

    select * from {{ only_touched(
        ref('int_experience_peers'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}
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
