{{
    config(
        materialized='incremental',
        meta={
            'landing': 'official_experience_score',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {'key_hash': 'ubigint', 'load_date': 'date'},
        },
        post_hook="{{ book_landing('official_experience_score') }}",
    )
}}

with

official_experience_score as (

    select * from {{ landed('official_experience_score') }}

),

trimmed as (

    select
        {{ trimmed_texts('official_experience_score') }},
        load_date as folder_date,
        landing_id,
        official_experience_score as landed
    from official_experience_score

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
        {{ parse_date('as_of_date_text') }} as as_of_date,
        measure_text as measure,
        name_text as item_name,
        case
            when measure in ('peer_rank', 'platform_help_rate', 'problem_share')
                then {{ parse_share('value_text') }}
            else {{ parse_finite('value_text') }}
        end as official_value,
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
        {{ key_hash('mall_id, as_of_date, measure, item_name') }},
        case
            when measure is null then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
            when mall_id is null then 'missing_mall_id'
            {{ event_time_reasons(
                'official_experience_score', 'as_of_date', 'as_of_date'
            ) }}
            when
                measure not in (
                    'experience_score', 'peer_rank', 'change_7d', 'module_score',
                    'platform_help_rate', 'problem_help_orders', 'problem_share'
                )
                then 'invalid_measure'
            when official_value is null then 'unreadable_value'
        end as reject_reason,
        case
            when reject_reason is not null
                then [{{ landed_row('official_experience_score') }}]
        end as landed
    from typed

)

select * from final
