-- What: platform_intervention_orders of mall_kpi_30d, counted anew as distinct
-- orders from fct_refunds over the 30 days. No tolerance.
-- When it matters: an order with two interventions counts twice in 30 days, or
-- a running sum has drifted.
-- How to resolve: take the first as-of date that fails and the requests of the
-- mall in fct_refunds with is_platform_intervention on that date and 30 days
-- before; int_distinct_visits has a wrong change there.
with

interventions as (

    select
        mall_id,
        order_sn,
        cast(created_at as date) as created_date
    from {{ ref('fct_refunds') }}
    where is_platform_intervention

),

published as (

    select
        mall_id,
        as_of_date,
        platform_intervention_orders
    from {{ ref('mall_kpi_30d') }}

),

recounted as (

    select
        published.mall_id,
        published.as_of_date,
        count(distinct interventions.order_sn)
            as platform_intervention_orders
    from published
    left join interventions
        on
            published.mall_id = interventions.mall_id
            and interventions.created_date
            between published.as_of_date - 29 and published.as_of_date
    group by published.mall_id, published.as_of_date

)

{{ rows_that_differ('recounted', 'published') }}
