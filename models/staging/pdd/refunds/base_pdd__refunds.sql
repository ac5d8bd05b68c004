{{
    config(
        materialized='incremental',
        meta={
            'landing': 'refunds',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {
                'key_hash': 'ubigint',
                'refund_id': 'varchar',
                'order_sn': 'varchar',
                'mall_id': 'varchar',
                'buyer_uid': 'varchar',
                'load_date': 'date',
                'created_at': 'timestamp',
            },
        },
        post_hook="{{ book_landing('refunds') }}",
    )
}}

with

refunds as (

    select * from {{ landed('refunds') }}

),

trimmed as (

    select
        {{ trimmed_texts('refunds') }},
        load_date as folder_date,
        landing_id,
        refunds as landed
    from refunds

),

timed as (

    select
        *,
        {{ read_times([
            'created_time', 'recreated_at', 'updated_time', 'refund_success_time',
            'sign_time', '_loaded_at',
        ]) }}
    from trimmed

),

typed as (

    select
        mall_id_text as mall_id,
        id_text as refund_id,
        order_sn_text as order_sn,
        buyer_uid_text as buyer_uid,
        after_sale_reason_text as after_sale_reason,
        problem_code_text as problem_code,
        liability_text as liability,
        {{ parse_integer('after_sales_type') }} as after_sales_type,
        {{ parse_integer('after_sales_status') }} as after_sales_status,
        {{ parse_integer('dispute_refund_status') }}
            as dispute_refund_status,
        {{ parse_integer('join_or_not') }} as join_or_not,
        {{ parse_money('refund_amount_text') }} as refund_amount,
        {{ parse_local_time('created_time') }} as created_at,
        {{ parse_local_time('recreated_at') }} as recreated_at,
        {{ parse_local_time('updated_time') }} as updated_at,
        {{ parse_local_time('refund_success_time') }}
            as refund_success_at,
        {{ parse_local_time('sign_time') }} as signed_at,
        {{ parse_loaded_at('_loaded_at') }} as loaded_at,
        {{ booked_date('folder_date', 'loaded_at') }} as load_date,
        _source_file_text as source_file,
        landing_id,
        landed,
        {{ unreadable_columns(
            'refunds',
            [
                'after_sales_type', 'after_sales_status', 'recreated_at',
                'dispute_refund_status', 'join_or_not',
            ],
            renamed={
                'updated_time': 'updated_at',
                'refund_success_time': 'refund_success_at',
                'sign_time': 'signed_at',
            },
        ) }} as unreadable_columns
    from timed

),

final as (

    select
        * exclude (landed),
        {{ key_hash('refund_id') }},
        case
            when refund_id is null then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
            when mall_id is null then 'missing_mall_id'
            {{ event_time_reasons('refunds', 'created_at', 'created_time') }}
            when liability not in ('merchant', 'buyer', 'platform', 'none')
                then 'invalid_liability'
            {{ amount_reasons('refunds', ['refund_amount']) }}
        end as reject_reason,
        case
            when reject_reason is not null then [{{ landed_row('refunds') }}]
        end as landed
    from typed

)

select * from final
