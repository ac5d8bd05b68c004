with

versions as (

    select * from {{ ref('base_pdd__malls') }}

),

duplicates as (

    select * from {{ ref('base_pdd__malls_duplicates') }}

),

current_versions as (

    {{ current_versions('versions', 'duplicates', key=['mall_id']) }}

),

final as (

    select
        mall_id,
        mall_name,
        category_name,
        merchant_type,
        opened_on,
        loaded_at,
        load_date
    from current_versions

)

select * from final
