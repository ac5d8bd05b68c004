{{
    config(
        materialized='incremental',
        meta={
            'landing': 'excluded_buyers',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {
                'key_hash': 'ubigint',
                'load_date': 'date',
            },
        },
        post_hook="{{ book_landing('excluded_buyers') }}",
    )
}}

with

excluded_buyers as (

    select * from {{ landed('excluded_buyers') }}

),

trimmed as (

    select
        {{ trimmed_texts('excluded_buyers') }},
        load_date as folder_date,
        landing_id,
        excluded_buyers as landed
    from excluded_buyers

),

timed as (

    select
        *,
        {{ read_times(['_loaded_at']) }}
    from trimmed

),

typed as (

    select
        mall_id_text as mall_id,
        buyer_uid_text as buyer_uid,
        {{ parse_date('valid_from_text') }} as valid_from,
        {{ parse_date('valid_to_text') }} as valid_to,
        {{ parse_loaded_at('_loaded_at') }} as loaded_at,
        {{ booked_date('folder_date', 'loaded_at') }} as load_date,
        _source_file_text as source_file,
        landing_id,
        landed,
        {{ unreadable_columns('excluded_buyers', ['valid_from', 'valid_to']) }}
            as unreadable_columns
    from timed

),

final as (

    select
        * exclude (landed),
        {{ key_hash('mall_id, buyer_uid, valid_from') }},
        case
            when buyer_uid is null then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
        end as reject_reason,
        case
            when reject_reason is not null then [{{ landed_row('excluded_buyers') }}]
        end as landed
    from typed

)

select * from final
