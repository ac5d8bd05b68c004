-- What: help_seeking_rate_30d, with every module and channel, counted anew
-- from fct_orders and fct_help_requests by a plain join over 30 days instead
-- of change points. No tolerance.
-- When it matters: the running sums behind the help-seeking rate and the
-- experience score have drifted from the orders.
-- How to resolve: take the first as-of date that fails for the mall and module;
-- an order enters on the later of its first counted request and its confirm
-- date and leaves 30 days after the confirm date (int_help_order_changes).
with

orders as (

    select
        mall_id,
        order_sn,
        confirm_date
    from {{ ref('fct_orders') }}
    where is_grouped

),

requests as (

    select
        orders.mall_id,
        orders.order_sn,
        orders.confirm_date,
        requests.request_date,
        requests.channel,
        requests.is_platform,
        unnest([requests.module, 'all']) as module
    from {{ ref('fct_help_requests') }} as requests
    inner join orders
        on
            requests.mall_id = orders.mall_id
            and requests.order_sn = orders.order_sn
    where requests.is_counted

),

published as (

    select
        mall_id,
        as_of_date,
        module,
        grouped_orders_30d,
        help_orders_30d,
        platform_help_orders_30d,
        help_orders_merchant_chat,
        help_orders_merchant_after_sales,
        help_orders_platform_intervention,
        help_orders_platform_online_cs,
        help_orders_platform_hotline,
        help_orders_complaint,
        help_seeking_rate,
        platform_help_rate
    from {{ ref('help_seeking_rate_30d') }}

),

denominators as (

    select
        published.mall_id,
        published.as_of_date,
        published.module,
        count(orders.order_sn) as grouped_orders_30d
    from published
    left join orders
        on
            published.mall_id = orders.mall_id
            and orders.confirm_date
            between published.as_of_date - 29 and published.as_of_date
    group by published.mall_id, published.as_of_date, published.module

),

numerators as (

    select
        published.mall_id,
        published.as_of_date,
        published.module,
        count(distinct requests.order_sn) as help_orders_30d,
        count(distinct requests.order_sn) filter (requests.is_platform)
            as platform_help_orders_30d,
        {% for channel in [
            'merchant_chat', 'merchant_after_sales', 'platform_intervention',
            'platform_online_cs', 'platform_hotline', 'complaint',
        ] %}
        count(distinct requests.order_sn)
        filter (requests.channel = '{{ channel }}')
            as help_orders_{{ channel }}
        {{- ',' if not loop.last }}
    {% endfor %}
    from published
    left join requests
        on
            published.mall_id = requests.mall_id
            and published.module = requests.module
            and requests.confirm_date
            between published.as_of_date - 29 and published.as_of_date
            and published.as_of_date >= requests.request_date
    group by published.mall_id, published.as_of_date, published.module

),

recounted as (

    select
        denominators.mall_id,
        denominators.as_of_date,
        denominators.module,
        denominators.grouped_orders_30d,
        numerators.help_orders_30d,
        numerators.platform_help_orders_30d,
        numerators.help_orders_merchant_chat,
        numerators.help_orders_merchant_after_sales,
        numerators.help_orders_platform_intervention,
        numerators.help_orders_platform_online_cs,
        numerators.help_orders_platform_hotline,
        numerators.help_orders_complaint,
        numerators.help_orders_30d / nullif(denominators.grouped_orders_30d, 0)
            as help_seeking_rate,
        numerators.platform_help_orders_30d
        / nullif(denominators.grouped_orders_30d, 0) as platform_help_rate
    from denominators
    inner join numerators
        on
            denominators.mall_id = numerators.mall_id
            and denominators.as_of_date = numerators.as_of_date
            and denominators.module = numerators.module

)

{{ rows_that_differ('recounted', 'published') }}
