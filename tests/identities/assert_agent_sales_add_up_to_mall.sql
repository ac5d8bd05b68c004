-- What: the sales of a mall's agents on a day add up to the mall's, which
-- mall_kpi_daily takes from the orders and not from the agents. No tolerance.
-- When it matters: an order is credited to two agents, or to none although the
-- mall counts it.
-- How to resolve: list the attributed orders of the mall and consult date in
-- fct_orders; see assert_sales_match_attributed_orders.
with

agents as (

    select
        mall_id,
        service_date,
        sum(sales_amount) as sales_amount,
        sum(net_sales_amount) as net_sales_amount,
        sum(sales_orders) as sales_orders,
        sum(sales_units) as sales_units
    from {{ ref('agent_kpi_daily') }}
    group by mall_id, service_date
    having sum(sales_orders) > 0

),

malls as (

    select
        mall_id,
        service_date,
        sales_amount,
        net_sales_amount,
        sales_orders,
        sales_units
    from {{ ref('mall_kpi_daily') }}
    where sales_orders > 0

)

{{ rows_that_differ('agents', 'malls') }}
