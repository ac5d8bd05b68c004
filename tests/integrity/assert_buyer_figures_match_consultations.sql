-- What: what mall_kpi_daily says of the buyers of a day, counted anew from
-- the buyer-days of fct_consultations. No tolerance.
-- When it matters: a buyer is counted twice or not at all, or the flags of a
-- buyer-day are not those that the rates of the mall are made of.
-- How to resolve: compare the buyer-days of the failing mall and day in
-- fct_consultations with int_response_buyer_days (scope mall) and
-- int_consultations.
with

consultations as (

    select
        *,
        cast(round(first_response_seconds * 1000) as bigint)
            as first_response_ms
    from {{ ref('fct_consultations') }}
    where
        service_date <= (
            select end_row.as_of_end
            from {{ ref('int_as_of_end') }} as end_row
        )

),

recounted as (

    select
        mall_id,
        service_date,
        count(*) as consult_buyers,
        count(*) filter (is_assessed) as assessed_consult_buyers,
        count(*) filter (is_late_3min) as late_buyers_3min,
        count(*) filter (is_late_5min) as late_buyers_5min,
        count(*) filter (is_ineffective) as ineffective_buyers,
        count(*) filter (is_robot_only) as robot_only_buyers,
        count(*) filter (is_after_sales_consult) as after_sales_consult_buyers,
        count(*) filter (is_inquiry) as inquiry_buyers,
        count(*) filter (is_converted) as final_group_buyers,
        sum(first_response_ms) / nullif(count(first_response_ms) * 1000, 0)
            as first_response_seconds,
        bool_and(is_conversion_final) as is_conversion_final,
        bool_and(is_response_final) as is_response_final
    from consultations
    group by mall_id, service_date

),

published as (

    select
        mall_id,
        service_date,
        consult_buyers,
        assessed_consult_buyers,
        late_buyers_3min,
        late_buyers_5min,
        ineffective_buyers,
        robot_only_buyers,
        after_sales_consult_buyers,
        inquiry_buyers,
        final_group_buyers,
        first_response_seconds,
        is_conversion_final,
        is_response_final
    from {{ ref('mall_kpi_daily') }}
    where consult_buyers > 0

)

{{ rows_that_differ('recounted', 'published') }}
