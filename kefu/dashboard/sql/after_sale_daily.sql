-- Orders, refunds and disputes day by day.
select
    service_date,
    sum(grouped_orders)::bigint as grouped_orders,
    sum(refunded_orders)::bigint as refunded_orders,
    sum(dispute_refund_orders)::bigint as dispute_refund_orders,
    sum(platform_intervention_orders)::bigint as platform_intervention_orders,
    sum(quality_refund_orders)::bigint as quality_refund_orders
from (
    select unnest(generate_series($as_of::date - 59, $as_of::date, interval 1 day))
        ::date as service_date
)
left join (
    select * from mall_kpi_daily where $mall_id is null or mall_id = $mall_id
) as mall_kpi_daily using (service_date)
group by service_date
order by service_date
