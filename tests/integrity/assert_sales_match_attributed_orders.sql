-- What: the sales of agents and malls by consult date, counted anew from the
-- attribution in fct_orders. No tolerance: money is exact.
-- When it matters: agents are paid by these figures.
-- How to resolve: list the orders of fct_orders with the failing agent and
-- attributed_consult_date; net sales leave out those refunded by the third
-- day after the confirm date, and only those.
with

orders as (

    select
        *,
        coalesce(cast(refunded_at as date) - confirm_date <= 3, false)
            as is_refunded_early
    from {{ ref('fct_orders') }}
    where
        attributed_cs_uid is not null
        and attributed_consult_date <= (
            select end_row.as_of_end
            from {{ ref('int_as_of_end') }} as end_row
        )

),

recounted as (

    select
        case grouping(attributed_cs_uid) when 1 then 'mall' else 'agent' end
            as scope,
        mall_id,
        attributed_cs_uid as cs_uid,
        attributed_consult_date as service_date,
        coalesce(sum(pay_amount), 0) as sales_amount,
        coalesce(sum(pay_amount) filter (not is_refunded_early), 0)
            as net_sales_amount,
        count(distinct buyer_key) as sales_buyers,
        count(*) as sales_orders,
        coalesce(sum(goods_count), 0) as sales_units
    from orders
    group by mall_id, attributed_consult_date, rollup(attributed_cs_uid)

),

published as (

    select
        'mall' as scope,
        mall_id,
        cast(null as varchar) as cs_uid,
        service_date,
        sales_amount,
        net_sales_amount,
        sales_buyers,
        sales_orders,
        sales_units
    from {{ ref('mall_kpi_daily') }}
    where sales_orders > 0

    union all

    select
        'agent' as scope,
        mall_id,
        cs_uid,
        service_date,
        sales_amount,
        net_sales_amount,
        sales_buyers,
        sales_orders,
        sales_units
    from {{ ref('agent_kpi_daily') }}
    where sales_orders > 0

)

{{ rows_that_differ('recounted', 'published') }}
