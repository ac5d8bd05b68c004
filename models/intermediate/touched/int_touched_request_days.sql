-- Touched help days, and the days of requests that are judged by an order which
-- changed: the one they name, or where they name none those of its buyer from its
-- grouping to the end of its after-sale period, as both were or are now.
with

orders as (

    select * from {{ changes_of('int_orders_classified') }}

),

requests as not materialized (

    select * from {{ ref('int_help_requests_gathered') }}

),

final as (

    select
        mall_id,
        request_date
    from {{ ref('int_touched_help_days') }}
    union
    select
        requests.mall_id,
        requests.request_date
    from requests
    semi join orders
        on requests.order_sn = orders.order_sn
    union
    select
        requests.mall_id,
        requests.request_date
    from requests
    semi join orders
        on
            requests.order_sn is null
            and requests.mall_id = orders.mall_id
            and requests.buyer_uid = orders.buyer_uid
            and requests.request_date
            between orders.confirm_date and orders.after_sales_until

)

select * from final
