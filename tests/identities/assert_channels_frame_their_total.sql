-- What: an order that came through several channels counts once in the total,
-- so the total lies between the largest channel and the sum of the channels;
-- the same for the platform's channels and the platform's total.
-- When it matters: a channel is missing from the total, or counts orders of
-- another mall.
-- How to resolve: list the counted requests of the failing mall and module in
-- fct_help_requests by channel; see assert_help_rates_match_requests.
select
    mall_id,
    as_of_date,
    module,
    help_orders_30d,
    platform_help_orders_30d
from {{ ref('help_seeking_rate_30d') }}
where
    (
        platform_help_orders_30d between
        greatest(
            help_orders_platform_intervention,
            help_orders_platform_online_cs,
            help_orders_platform_hotline,
            help_orders_complaint
        )
        and help_orders_platform_intervention
        + help_orders_platform_online_cs
        + help_orders_platform_hotline
        + help_orders_complaint
        and help_orders_30d between
        greatest(
            help_orders_merchant_chat,
            help_orders_merchant_after_sales,
            platform_help_orders_30d
        )
        and help_orders_merchant_chat
        + help_orders_merchant_after_sales
        + platform_help_orders_30d
    ) is not true
