{{
    config(
        materialized='incremental',
        meta={
            'landing': 'quality_reviews',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {
                'key_hash': 'ubigint',
                'mall_id': 'varchar',
                'service_date': 'date',
                'load_date': 'date',
            },
        },
        post_hook="{{ book_landing('quality_reviews') }}",
    )
}}

with

quality_reviews as (

    select * from {{ landed('quality_reviews') }}

),

trimmed as (

    select
        {{ trimmed_texts('quality_reviews') }},
        load_date as folder_date,
        landing_id,
        quality_reviews as landed
    from quality_reviews

),

timed as (

    select
        *,
        {{ read_times(['_loaded_at']) }}
    from trimmed

),

typed as (

    select
        review_id_text as review_id,
        mall_id_text as mall_id,
        cs_uid_text as cs_uid,
        buyer_uid_text as buyer_uid,
        {{ parse_double('problem_solving_text') }} as problem_solving,
        {{ parse_double('communication_text') }} as communication,
        {{ parse_double('professionalism_text') }} as professionalism,
        {{ parse_double('after_sales_text') }} as after_sales,
        {{ parse_date('service_date_text') }} as service_date,
        {{ parse_loaded_at('_loaded_at') }} as loaded_at,
        {{ booked_date('folder_date', 'loaded_at') }} as load_date,
        _source_file_text as source_file,
        landing_id,
        landed,
        {{ unreadable_columns(
            'quality_reviews',
            [
                'problem_solving', 'communication', 'professionalism',
                'after_sales',
            ],
        ) }} as unreadable_columns
    from timed

),

final as (

    select
        * exclude (landed),
        {{ key_hash('review_id') }},
        case
            when review_id is null then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
            when mall_id is null then 'missing_mall_id'
            {{ event_time_reasons('quality_reviews', 'service_date', 'service_date') }}
            when
                problem_solving not between 1 and 10
                or communication not between 1 and 10
                or professionalism not between 1 and 10
                or after_sales not between 1 and 10
                then 'invalid_review_item'
        end as reject_reason,
        case
            when reject_reason is not null then [{{ landed_row('quality_reviews') }}]
        end as landed
    from typed

)

select * from final
