with

versions as (

    select * from {{ ref('base_pdd__complaints') }}

),

duplicates as (

    select * from {{ ref('base_pdd__complaints_duplicates') }}

),

current_versions as (

    {{ current_versions('versions', 'duplicates', key=['complaint_id']) }}

),

final as (

    select
        complaint_id,
        mall_id,
        buyer_uid,
        order_sn,
        cs_uid,
        channel,
        problem_code,
        liability,
        coalesce(is_valid, true) as is_valid,
        created_at,
        loaded_at,
        load_date
    from current_versions

)

select * from final
