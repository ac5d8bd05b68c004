-- Sales belong to the day on which the buyer was advised (the consult date);
-- a mall's sales are those of its agents.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_days',
            'touched_key': ['mall_id', 'service_date'],
        },
    )
}}

with

attributions as (

    select * from {{ only_touched(
        ref('int_order_attributions'), by='int_touched_days',
        key={'mall_id': 'mall_id', 'attributed_consult_date': 'service_date'}
    ) }}

),

orders as (

    select * from {{ only_touched(
        ref('int_orders_classified'), by='cte.attributions',
        key=['order_sn', 'confirm_date']
    ) }}

),

attributed_orders as (

    select
        orders.mall_id,
        orders.buyer_uid,
        orders.pay_amount,
        orders.goods_count,
        attributions.attributed_cs_uid as cs_uid,
        attributions.attributed_consult_date as service_date,
        coalesce(orders.refund_date <= orders.confirm_date + 3, false)
            as is_refunded_in_time
    from attributions
    inner join orders
        on attributions.order_sn = orders.order_sn

),

final as (

    select
        case grouping(cs_uid) when 1 then 'mall' else 'agent' end as scope,
        mall_id,
        cs_uid,
        service_date,
        sum(pay_amount) as sales_amount,
        sum(pay_amount) filter (not is_refunded_in_time) as net_sales_amount,
        count(distinct buyer_uid) as sales_buyers,
        count(*) as sales_orders,
        sum(goods_count) as sales_units
    from attributed_orders
    group by mall_id, service_date, rollup(cs_uid)

)

select * from final
