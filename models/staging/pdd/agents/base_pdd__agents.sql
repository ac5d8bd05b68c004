{{
    config(
        materialized='incremental',
        meta={
            'landing': 'agents',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {
                'key_hash': 'ubigint',
                'load_date': 'date',
            },
        },
        post_hook="{{ book_landing('agents') }}",
    )
}}

with

agents as (

    select * from {{ landed('agents') }}

),

trimmed as (

    select
        {{ trimmed_texts('agents') }},
        load_date as folder_date,
        landing_id,
        agents as landed
    from agents

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
        cs_uid_text as cs_uid,
        cs_name_text as cs_name,
        agent_role_text as agent_role,
        {{ parse_boolean('is_robot') }} as is_robot,
        {{ parse_date('valid_from_text') }} as valid_from,
        {{ parse_date('valid_to_text') }} as valid_to,
        {{ parse_loaded_at('_loaded_at') }} as loaded_at,
        {{ booked_date('folder_date', 'loaded_at') }} as load_date,
        _source_file_text as source_file,
        landing_id,
        landed,
        {{ unreadable_columns('agents', ['is_robot', 'valid_from', 'valid_to']) }}
            as unreadable_columns
    from timed

),

final as (

    select
        * exclude (landed),
        {{ key_hash('mall_id, cs_uid, valid_from') }},
        case
            when mall_id is null or cs_uid is null then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
        end as reject_reason,
        case
            when reject_reason is not null then [{{ landed_row('agents') }}]
        end as landed
    from typed

)

select * from final
