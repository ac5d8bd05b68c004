-- What: the orders of mall_kpi_daily, counted anew from fct_orders by confirm
-- date. No tolerance: money is exact.
-- When it matters: an order is doubled by a join or lost, and every rate over
-- grouped orders is wrong.
-- How to resolve: compare the orders of the failing mall and date in
-- fct_orders with int_grouped_orders_daily; look for an order whose
-- attribution has more than one row.
with

orders as (

    select * from {{ ref('fct_orders') }}
    where
        is_grouped
        and confirm_date >= date '2015-09-01'
        and confirm_date <= (
            select end_row.as_of_end
            from {{ ref('int_as_of_end') }} as end_row
        )

),

recounted as (

    select
        mall_id,
        confirm_date as service_date,
        count(*) as grouped_orders,
        count(*) filter (is_paid) as paid_grouped_orders,
        coalesce(sum(pay_amount) filter (is_paid), 0) as paid_grouped_amount,
        coalesce(
            sum(pay_amount) filter (attributed_cs_uid is not null), 0
        ) as attributed_grouped_amount
    from orders
    group by mall_id, confirm_date

),

published as (

    select
        mall_id,
        service_date,
        grouped_orders,
        paid_grouped_orders,
        paid_grouped_amount,
        attributed_grouped_amount
    from {{ ref('mall_kpi_daily') }}
    where grouped_orders > 0

)

{{ rows_that_differ('recounted', 'published') }}
