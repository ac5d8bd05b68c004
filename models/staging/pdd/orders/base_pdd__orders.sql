{{
    config(
        materialized='incremental',
        meta={
            'landing': 'orders',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {
                'key_hash': 'ubigint',
                'order_sn': 'varchar',
                'mall_id': 'varchar',
                'buyer_uid': 'varchar',
                'load_date': 'date',
                'created_at': 'timestamp',
            },
        },
        post_hook="{{ book_landing('orders') }}",
    )
}}

with

orders as (

    select * from {{ landed('orders') }}

),

trimmed as (

    select
        {{ trimmed_texts('orders') }},
        load_date as folder_date,
        landing_id,
        orders as landed
    from orders

),

timed as (

    select
        *,
        {{ read_times([
            'created_time', 'pay_time', 'confirm_time', 'shipping_time',
            'receive_time', 'updated_at', '_loaded_at',
        ]) }}
    from trimmed

),

typed as (

    select
        mall_id_text as mall_id,
        order_sn_text as order_sn,
        buyer_uid_text as buyer_uid,
        goods_id_text as goods_id,
        {{ parse_integer('order_status') }} as order_status,
        {{ parse_integer('group_status') }} as group_status,
        {{ parse_integer('confirm_status') }} as confirm_status,
        {{ parse_integer('refund_status') }} as refund_status,
        {{ parse_integer('after_sales_status') }} as after_sales_status,
        {{ parse_integer('risk_control_status') }} as risk_control_status,
        {{ parse_integer('is_lucky_flag') }} as is_lucky_flag,
        cast({{ parse_integer('goods_count') }} as bigint) as goods_count,
        {{ parse_money('goods_amount_text') }} as goods_amount,
        {{ parse_money('discount_amount_text') }} as discount_amount,
        {{ parse_money('postage_text') }} as postage,
        {{ parse_money('pay_amount_text') }} as pay_amount,
        {{ parse_local_time('created_time') }} as created_at,
        {{ parse_local_time('pay_time') }} as paid_at,
        {{ parse_local_time('confirm_time') }} as confirmed_at,
        {{ parse_local_time('shipping_time') }} as shipped_at,
        {{ parse_local_time('receive_time') }} as received_at,
        {{ parse_local_time('updated_at') }} as updated_at,
        {{ parse_loaded_at('_loaded_at') }} as loaded_at,
        {{ booked_date('folder_date', 'loaded_at') }} as load_date,
        _source_file_text as source_file,
        landing_id,
        landed,
        {{ unreadable_columns(
            'orders',
            [
                'updated_at', 'order_status', 'group_status', 'confirm_status',
                'refund_status', 'after_sales_status', 'risk_control_status',
                'is_lucky_flag', 'goods_amount', 'discount_amount', 'postage',
            ],
            renamed={
                'pay_time': 'paid_at', 'confirm_time': 'confirmed_at',
                'shipping_time': 'shipped_at', 'receive_time': 'received_at',
            },
        ) }} as unreadable_columns
    from timed

),

final as (

    select
        * exclude (landed),
        {{ key_hash('order_sn') }},
        case
            when order_sn is null then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
            when mall_id is null then 'missing_mall_id'
            {{ event_time_reasons('orders', 'created_at', 'created_time') }}
            {{ amount_reasons('orders', ['pay_amount', 'goods_count']) }}
        end as reject_reason,
        case
            when reject_reason is not null then [{{ landed_row('orders') }}]
        end as landed
    from typed

)

select * from final
