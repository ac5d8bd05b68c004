-- What: help_seeking_rate_30d, with every module and channel, counted anew
-- from fct_orders and fct_help_requests, each put on the 30 days it counts for,
-- instead of change points. No tolerance. On the newest as-of dates, and in turn
-- on the older ones (recounted_dates).
-- When it matters: the running sums behind the help-seeking rate and the
-- experience score have drifted from the orders.
-- How to resolve: take the first as-of date that fails for the mall and module;
-- an order enters on the later of its first counted request and its confirm
-- date and leaves 30 days after the confirm date (int_help_order_changes).
{%- set channels = [
    'merchant_chat', 'merchant_after_sales', 'platform_intervention',
    'platform_online_cs', 'platform_hotline', 'complaint',
] %}
with

dates as (

    {{ recounted_dates() }}

),

orders_within_30_days as (

    select
        mall_id,
        order_sn,
        confirm_date + cast(unnest(range(30)) as integer) as as_of_date
    from {{ ref('fct_orders') }}
    where is_grouped

),

orders as (

    select * from orders_within_30_days
    where as_of_date in (select dates.as_of_date from dates)

),

denominators as (

    select
        mall_id,
        as_of_date,
        count(*) as grouped_orders_30d
    from orders
    group by mall_id, as_of_date

),

requests as (

    select
        mall_id,
        order_sn,
        request_date,
        channel,
        is_platform,
        unnest([module, 'all']) as module
    from {{ ref('fct_help_requests') }}
    where is_counted

),

help_orders as (

    select
        orders.mall_id,
        orders.as_of_date,
        orders.order_sn,
        requests.module,
        {% for channel in channels %}
            bool_or(requests.channel = '{{ channel }}') as is_{{ channel }},
        {% endfor %}
        bool_or(requests.is_platform) as is_platform
    from requests
    inner join orders
        on
            requests.mall_id = orders.mall_id
            and requests.order_sn = orders.order_sn
            and requests.request_date <= orders.as_of_date
    group by all

),

numerators as (

    select
        mall_id,
        as_of_date,
        module,
        count(*) as help_orders_30d,
        {% for channel in channels %}
            count(*) filter (is_{{ channel }}) as help_orders_{{ channel }},
        {% endfor %}
        count(*) filter (is_platform) as platform_help_orders_30d
    from help_orders
    group by mall_id, as_of_date, module

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
    where as_of_date in (select dates.as_of_date from dates)

),

recounted as (

    select
        published.mall_id,
        published.as_of_date,
        published.module,
        coalesce(denominators.grouped_orders_30d, 0) as grouped_orders_30d,
        coalesce(numerators.help_orders_30d, 0) as help_orders_30d,
        coalesce(numerators.platform_help_orders_30d, 0)
            as platform_help_orders_30d,
        {% for channel in channels %}
            coalesce(numerators.help_orders_{{ channel }}, 0)
                as help_orders_{{ channel }},
        {% endfor %}
        coalesce(numerators.help_orders_30d, 0)
        / denominators.grouped_orders_30d as help_seeking_rate,
        coalesce(numerators.platform_help_orders_30d, 0)
        / denominators.grouped_orders_30d as platform_help_rate
    from published
    left join denominators
        on
            published.mall_id = denominators.mall_id
            and published.as_of_date = denominators.as_of_date
    left join numerators
        on
            published.mall_id = numerators.mall_id
            and published.as_of_date = numerators.as_of_date
            and published.module = numerators.module

)

{{ rows_that_differ('recounted', 'published') }}
