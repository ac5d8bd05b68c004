{{
    config(
        materialized='incremental',
        meta={
            'landing': 'ratings',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {
                'key_hash': 'ubigint',
                'mall_id': 'varchar',
                'created_at': 'timestamp',
                'load_date': 'date',
            },
        },
        post_hook="{{ book_landing('ratings') }}",
    )
}}

with

ratings as (

    select * from {{ landed('ratings') }}

),

trimmed as (

    select
        {{ trimmed_texts('ratings') }},
        load_date as folder_date,
        landing_id,
        ratings as landed
    from ratings

),

timed as (

    select
        *,
        {{ read_times(['created_time', '_loaded_at']) }}
    from trimmed

),

typed as (

    select
        rating_id_text as rating_id,
        mall_id_text as mall_id,
        buyer_uid_text as buyer_uid,
        cs_uid_text as cs_uid,
        order_sn_text as order_sn,
        {{ parse_integer('score') }} as score,
        {{ parse_local_time('created_time') }} as created_at,
        {{ parse_loaded_at('_loaded_at') }} as loaded_at,
        {{ booked_date('folder_date', 'loaded_at') }} as load_date,
        _source_file_text as source_file,
        landing_id,
        landed,
        cast([] as varchar[]) as unreadable_columns
    from timed

),

final as (

    select
        * exclude (landed),
        {{ key_hash('rating_id') }},
        case
            when rating_id is null then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
            when mall_id is null then 'missing_mall_id'
            {{ event_time_reasons('ratings', 'created_at', 'created_time') }}
            when score is null or score not between 1 and 5 then 'invalid_score'
        end as reject_reason,
        case
            when reject_reason is not null then [{{ landed_row('ratings') }}]
        end as landed
    from typed

)

select * from final
