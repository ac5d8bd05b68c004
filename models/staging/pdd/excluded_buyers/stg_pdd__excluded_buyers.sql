with

versions as (

    select * from {{ ref('base_pdd__excluded_buyers') }}

),

duplicates as (

    select * from {{ ref('base_pdd__excluded_buyers_duplicates') }}

),

current_versions as (

    {{ current_versions(
        'versions', 'duplicates', key=['mall_id', 'buyer_uid', 'valid_from']
    ) }}

),

final as (

    select
        mall_id,
        buyer_uid,
        valid_from,
        valid_to,
        loaded_at,
        load_date
    from current_versions

)

select * from final
