{{
    config(
        materialized='incremental',
        meta={
            'landing': 'malls',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {
                'key_hash': 'ubigint',
                'load_date': 'date',
            },
        },
        post_hook="{{ book_landing('malls') }}",
    )
}}

with

malls as (

    select * from {{ landed('malls') }}

),

trimmed as (

    select
        {{ trimmed_texts('malls') }},
        load_date as folder_date,
        landing_id,
        malls as landed
    from malls

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
        mall_name_text as mall_name,
        category_name_text as category_name,
        {{ parse_integer('merchant_type') }} as merchant_type,
        {{ parse_date('opened_on_text') }} as opened_on,
        {{ parse_loaded_at('_loaded_at') }} as loaded_at,
        {{ booked_date('folder_date', 'loaded_at') }} as load_date,
        _source_file_text as source_file,
        landing_id,
        landed,
        {{ unreadable_columns('malls', ['merchant_type', 'opened_on']) }}
            as unreadable_columns
    from timed

),

final as (

    select
        * exclude (landed),
        {{ key_hash('mall_id') }},
        case
            when mall_id is null then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
        end as reject_reason,
        case
            when reject_reason is not null then [{{ landed_row('malls') }}]
        end as landed
    from typed

)

select * from final
