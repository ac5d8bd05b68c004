-- Mall-days whose daily figures may be other ones now: the days to which the
-- rows belong that came or went.
with

changed_orders as (

    select order_sn from {{ changes_of('int_orders_classified') }}
    union
    select order_sn from {{ changes_of('int_order_attributions') }}

),

touched as (

    select
        mall_id,
        service_date
    from {{ changes_of('int_messages_assessed') }}
    union
    select
        mall_id,
        service_date
    from {{ changes_of('int_consultations') }}
    union
    select
        mall_id,
        service_date
    from {{ changes_of('int_after_sales_buyer_days') }}
    union
    select
        mall_id,
        attributed_consult_date as service_date
    from {{ rows_of_changed_keys(
        'int_order_attributions', ['mall_id', 'attributed_consult_date'],
        key='order_sn', keys='changed_orders'
    ) }}
    union
    select
        mall_id,
        confirm_date as service_date
    from {{ rows_of_changed_keys(
        'int_orders_classified', ['mall_id', 'confirm_date'],
        key='order_sn', keys='changed_orders'
    ) }}
    union
    select
        mall_id,
        refund_date as service_date
    from {{ rows_of_changed_keys(
        'int_refunded_orders', ['mall_id', 'refund_date'],
        key='order_sn', keys='changed_orders'
    ) }}
    union
    select
        mall_id,
        created_date as service_date
    from {{ changes_of('int_refund_requests') }}
    union
    select
        mall_id,
        created_date as service_date
    from {{ changes_of('int_refund_first_responses') }}
    union
    select
        mall_id,
        request_date as service_date
    from {{ changes_of('int_help_requests_gathered') }}
    union
    select
        mall_id,
        cast(created_at as date) as service_date
    from {{ rows_of_changed_keys('base_pdd__ratings', ['mall_id', 'created_at']) }}
    union
    select
        mall_id,
        service_date
    from {{ rows_of_changed_keys(
        'base_pdd__quality_reviews', ['mall_id', 'service_date']
    ) }}

),

final as (

    select * from touched
    where mall_id is not null and service_date is not null

)

select * from final
