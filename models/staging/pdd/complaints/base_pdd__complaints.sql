{{
    config(
        materialized='incremental',
        meta={
            'landing': 'complaints',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {
                'key_hash': 'ubigint',
                'mall_id': 'varchar',
                'created_at': 'timestamp',
                'load_date': 'date',
            },
        },
        post_hook="{{ book_landing('complaints') }}",
    )
}}

with

complaints as (

    select * from {{ landed('complaints') }}

),

trimmed as (

    select
        {{ trimmed_texts('complaints') }},
        load_date as folder_date,
        landing_id,
        complaints as landed
    from complaints

),

timed as (

    select
        *,
        {{ read_times(['created_time', '_loaded_at']) }}
    from trimmed

),

typed as (

    select
        complaint_id_text as complaint_id,
        mall_id_text as mall_id,
        buyer_uid_text as buyer_uid,
        order_sn_text as order_sn,
        cs_uid_text as cs_uid,
        channel_text as channel,
        problem_code_text as problem_code,
        liability_text as liability,
        {{ parse_boolean('is_valid') }} as is_valid,
        {{ parse_local_time('created_time') }} as created_at,
        {{ parse_loaded_at('_loaded_at') }} as loaded_at,
        {{ booked_date('folder_date', 'loaded_at') }} as load_date,
        _source_file_text as source_file,
        landing_id,
        landed,
        {{ unreadable_columns('complaints', ['is_valid']) }} as unreadable_columns
    from timed

),

final as (

    select
        * exclude (landed),
        {{ key_hash('complaint_id') }},
        case
            when complaint_id is null then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
            when mall_id is null then 'missing_mall_id'
            when buyer_uid is null then 'missing_buyer_uid'
            {{ event_time_reasons('complaints', 'created_at', 'created_time') }}
            when
                channel is null
                or channel not in (
                    'platform_online_cs', 'platform_hotline', 'complaint'
                )
                then 'invalid_channel'
            when liability not in ('merchant', 'buyer', 'platform', 'none')
                then 'invalid_liability'
        end as reject_reason,
        case
            when reject_reason is not null then [{{ landed_row('complaints') }}]
        end as landed
    from typed

)

select * from final
