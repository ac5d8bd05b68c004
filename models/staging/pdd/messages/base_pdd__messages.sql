{{
    config(
        materialized='incremental',
        meta={
            'landing': 'messages',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {
                'key_hash': 'ubigint',
                'mall_id': 'varchar',
                'buyer_uid': 'varchar',
                'order_sn': 'varchar',
                'load_date': 'date',
                'service_date': 'date',
            },
        },
        post_hook="{{ book_landing('messages') }}",
    )
}}

with

messages as (

    select * from {{ landed('messages') }}

),

trimmed as (

    select
        {{ trimmed_texts('messages', except=['content']) }},
        content,
        load_date as folder_date,
        landing_id,
        messages as landed
    from messages

),

timed as (

    select
        *,
        {{ read_times(['ts', '_loaded_at']) }}
    from trimmed

),

typed as (

    select
        mall_id_text as mall_id,
        msg_id_text as msg_id,
        buyer_uid_text as buyer_uid,
        cs_uid_text as cs_uid,
        assigned_cs_uid_text as assigned_cs_uid,
        order_sn_text as order_sn,
        from_role_text as from_role,
        template_name_text as template_name,
        content,
        problem_code_text as problem_code,
        {{ parse_integer('type') }} as message_type,
        {{ parse_boolean('need_reply') }} as need_reply,
        {{ parse_boolean('is_spam') }} as is_spam,
        {{ parse_local_time('ts') }} as sent_at,
        {{ parse_loaded_at('_loaded_at') }} as loaded_at,
        {{ booked_date('folder_date', 'loaded_at') }} as load_date,
        _source_file_text as source_file,
        landing_id,
        landed,
        {{ unreadable_columns(
            'messages',
            ['need_reply', 'is_spam'],
            renamed={'type': 'message_type'},
        ) }} as unreadable_columns
    from timed

),

final as (

    select
        * exclude (landed),
        {{ key_hash('mall_id, msg_id') }},
        cast(sent_at as date) as service_date,
        case
            when mall_id is null or msg_id is null then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
            when buyer_uid is null then 'missing_buyer_uid'
            {{ event_time_reasons('messages', 'sent_at', 'ts') }}
            when
                from_role is null
                or from_role not in ('user', 'mall_cs', 'system')
                then 'invalid_from_role'
        end as reject_reason,
        case
            when reject_reason is not null then [{{ landed_row('messages') }}]
        end as landed
    from typed

)

select * from final
