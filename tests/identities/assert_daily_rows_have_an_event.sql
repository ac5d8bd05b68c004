-- What: each row of a daily table counts something. Means alone (a refund
-- request without a first response) make no row.
-- When it matters: dates without any business stretch the 30-day tables.
-- How to resolve: find the family of int_kpi_daily that made the row; one
-- that cannot make a row by itself must be marked as no event.
select
    'mall_kpi_daily' as table_name,
    mall_id,
    cast(null as varchar) as member,
    service_date
from {{ ref('mall_kpi_daily') }}
where
    (
        consult_buyers + received_buyers + agent_messages + buyer_messages
        + sales_orders + grouped_orders + complaint_buyers + rating_count
        + refunded_orders + platform_intervention_orders > 0
    ) is not true

union all

select
    'agent_kpi_daily' as table_name,
    mall_id,
    cs_uid as member,
    service_date
from {{ ref('agent_kpi_daily') }}
where
    (
        consult_buyers + received_buyers + agent_messages + buyer_messages
        + sales_orders + complaint_buyers + rating_count
        + dispute_refund_orders > 0
    ) is not true

union all

select
    'agent_kpi_shift_daily' as table_name,
    mall_id,
    cs_uid || ' ' || shift_name as member,
    service_date
from {{ ref('agent_kpi_shift_daily') }}
where (agent_messages + buyer_messages > 0) is not true
