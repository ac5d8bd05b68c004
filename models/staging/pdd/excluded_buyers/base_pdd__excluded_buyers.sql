{{ config(materialized='view') }}

with

excluded_buyers as (

    select * from {{ source('pdd', 'excluded_buyers') }}

),

trimmed as (

    select
        {{ trimmed_texts(except=['load_date']) }},
        load_date as folder_date,
        excluded_buyers as landed
    from excluded_buyers

),

typed as (

    select
        mall_id_text as mall_id,
        buyer_uid_text as buyer_uid,
        {{ parse_date('valid_from_text') }} as valid_from,
        {{ parse_date('valid_to_text') }} as valid_to,
        {{ parse_loaded_at('_loaded_at_text') }} as loaded_at,
        {{ booked_date('folder_date', 'loaded_at') }} as load_date,
        _source_file_text as source_file,
        landed,
        {{ unreadable_columns(['valid_from', 'valid_to']) }}
            as unreadable_columns
    from trimmed

),

final as (

    select
        *,
        case
            when buyer_uid is null then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
        end as reject_reason
    from typed

)

select * from final
