with

versions as (

    select * from {{ ref('base_pdd__ratings') }}

),

duplicates as (

    select * from {{ ref('base_pdd__ratings_duplicates') }}

),

current_versions as (

    {{ current_versions('versions', 'duplicates', key=['rating_id']) }}

),

final as (

    select
        rating_id,
        mall_id,
        buyer_uid,
        cs_uid,
        order_sn,
        score,
        created_at,
        loaded_at,
        load_date
    from current_versions

)

select * from final
