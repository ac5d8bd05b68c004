-- A request that names no order belongs to the buyer's latest order that was
-- grouped by then and is still in its after-sale period.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_request_days',
            'touched_key': ['mall_id', 'request_date'],
        },
    )
}}

with

requests as (

    select * from {{ only_touched(
        ref('int_help_requests_gathered'), by='int_touched_request_days',
        key=['mall_id', 'request_date']
    ) }}
    where order_sn is null and buyer_uid is not null

),

orders as (

    select * from {{ only_touched(
        ref('int_orders_classified'), by='cte.requests',
        key=['mall_id', 'buyer_uid']
    ) }}
    where is_grouped and buyer_uid is not null

),

final as (

    select
        requests.help_request_id,
        requests.mall_id,
        requests.request_date,
        arg_max(orders.order_sn, (orders.confirmed_at, orders.order_sn))
            as order_sn
    from requests
    inner join orders
        on
            requests.mall_id = orders.mall_id
            and requests.buyer_uid = orders.buyer_uid
            and requests.request_at >= orders.confirmed_at
            and requests.request_date <= orders.after_sales_until
    group by
        requests.help_request_id, requests.mall_id, requests.request_date
    {{ lay_by_day('requests.request_date') }}

)

select * from final
