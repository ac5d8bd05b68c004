-- The values of the platform's score page; taken from it not after they were landed.
with

scores as (

    select * from {{ ref('stg_pdd__official_experience_score') }}

),

final as (

    select
        mall_id,
        as_of_date,
        measure,
        item_name,
        official_value,
        {{ local_time_of_utc('loaded_at') }} as exported_at,
        loaded_at = max(loaded_at) over (partition by mall_id, as_of_date)
            as is_in_newest_export
    from scores

)

select * from final
