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
    from {{ changes_of('int_order_attributions') }}
    union
    select
        attributions.mall_id,
        attributions.attributed_consult_date as service_date
    from {{ ref('int_order_attributions') }} as attributions
    semi join changed_orders
        on attributions.order_sn = changed_orders.order_sn
    union
    select
        mall_id,
        confirm_date as service_date
    from {{ changes_of('int_orders_classified') }}
    union
    select
        orders.mall_id,
        orders.confirm_date as service_date
    from {{ ref('int_orders_classified') }} as orders
    semi join changed_orders
        on orders.order_sn = changed_orders.order_sn
    union
    select
        mall_id,
        refund_date as service_date
    from {{ changes_of('int_refunded_orders') }}
    union
    select
        refunded_orders.mall_id,
        refunded_orders.refund_date as service_date
    from {{ ref('int_refunded_orders') }} as refunded_orders
    semi join changed_orders
        on refunded_orders.order_sn = changed_orders.order_sn
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
    from {{ changes_of('base_pdd__ratings') }}
    union
    select
        versions.mall_id,
        cast(versions.created_at as date) as service_date
    from {{ ref('base_pdd__ratings') }} as versions
    semi join {{ changes_of('base_pdd__ratings') }} as changes
        on versions.key_hash = changes.key_hash
    union
    select
        mall_id,
        service_date
    from {{ changes_of('base_pdd__quality_reviews') }}
    union
    select
        versions.mall_id,
        versions.service_date
    from {{ ref('base_pdd__quality_reviews') }} as versions
    semi join {{ changes_of('base_pdd__quality_reviews') }} as changes
        on versions.key_hash = changes.key_hash

),

final as (

    select * from touched
    where mall_id is not null and service_date is not null

)

select * from final
