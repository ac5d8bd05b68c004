-- What: the refunded orders, disputes and interventions of mall_kpi_daily,
-- counted anew from the requests in fct_refunds. No tolerance.
-- When it matters: requests are counted where orders are meant, or an order is
-- refunded on two days.
-- How to resolve: list the requests of the failing mall in fct_refunds by
-- order_sn; an order is refunded once, on the day of its earliest success, and
-- is a dispute when any one of its requests is.
with

requests as (

    select * from {{ ref('fct_refunds') }}
    where order_sn is not null

),

refunded_orders as (

    select
        mall_id,
        order_sn,
        cast(min(refund_success_at) as date) as service_date,
        bool_or(is_dispute) as is_dispute,
        bool_or(is_platform_intervention) as is_platform_intervention
    from requests
    group by mall_id, order_sn
    having bool_or(is_refunded)

),

events as (

    select
        mall_id,
        service_date,
        1 as refunded_orders,
        cast(is_dispute as int) as dispute_refund_orders,
        cast(not is_platform_intervention as int)
            as autonomous_refunded_orders,
        0 as platform_intervention_orders
    from refunded_orders

    union all

    select
        mall_id,
        cast(created_at as date) as service_date,
        0 as refunded_orders,
        0 as dispute_refund_orders,
        0 as autonomous_refunded_orders,
        count(distinct order_sn) as platform_intervention_orders
    from requests
    where is_platform_intervention
    group by mall_id, cast(created_at as date)

),

recounted as (

    select
        mall_id,
        service_date,
        sum(refunded_orders) as refunded_orders,
        sum(dispute_refund_orders) as dispute_refund_orders,
        sum(autonomous_refunded_orders) as autonomous_refunded_orders,
        sum(platform_intervention_orders) as platform_intervention_orders
    from events
    where
        service_date >= date '2015-09-01'
        and service_date <= (
            select end_row.as_of_end
            from {{ ref('int_as_of_end') }} as end_row
        )
    group by mall_id, service_date

),

published as (

    select
        mall_id,
        service_date,
        refunded_orders,
        dispute_refund_orders,
        autonomous_refunded_orders,
        platform_intervention_orders
    from {{ ref('mall_kpi_daily') }}
    where refunded_orders + platform_intervention_orders > 0

)

{{ rows_that_differ('recounted', 'published') }}
