select
    mall_id,
    grouped_orders,
    refunded_orders,
    refund_rate,
    dispute_refund_orders,
    dispute_refund_rate,
    dispute_refund_rate_of_refunds,
    platform_intervention_orders,
    platform_intervention_rate,
    quality_refund_orders,
    quality_refund_rate,
    avg_refund_hours,
    after_sales_first_responses,
    after_sales_first_response_seconds,
    incomplete_days_30d
from mall_kpi_30d
where as_of_date = $as_of
order by dispute_refund_rate desc nulls last, mall_id
