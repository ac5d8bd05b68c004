with

final as (

    select
        mall_id,
        as_of_date,
        measure,
        item_name,
        official_value,
        exported_at,
        is_in_newest_export
    from {{ ref('int_official_scores') }}

)

select * from final
