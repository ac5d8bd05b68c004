{{
    config(
        materialized='incremental',
        meta={
            'landing': 'agent_shifts',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {
                'key_hash': 'ubigint',
                'load_date': 'date',
            },
        },
        post_hook="{{ book_landing('agent_shifts') }}",
    )
}}

with

agent_shifts as (

    select * from {{ landed('agent_shifts') }}

),

trimmed as (

    select
        {{ trimmed_texts('agent_shifts') }},
        load_date as folder_date,
        landing_id,
        agent_shifts as landed
    from agent_shifts

),

timed as (

    select
        *,
        {{ read_times(['start_at', 'end_at', '_loaded_at']) }}
    from trimmed

),

typed as (

    select
        mall_id_text as mall_id,
        cs_uid_text as cs_uid,
        shift_name_text as shift_name,
        {{ parse_local_time('start_at') }} as start_at,
        {{ parse_local_time('end_at') }} as end_at,
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
        {{ key_hash('mall_id, cs_uid, start_at') }},
        case
            when mall_id is null or cs_uid is null or start_at is null
                then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
            when
                end_at is null
                and {{ is_unset_time(trimmed_text(landed_text(
                    'end_at', raw_columns('agent_shifts').get('end_at')
                ))) }}
                then 'missing_event_time'
            when end_at is null then 'unreadable_event_time'
            when end_at <= start_at then 'ends_before_start'
        end as reject_reason,
        case
            when reject_reason is not null then [{{ landed_row('agent_shifts') }}]
        end as landed
    from typed

)

select * from final
