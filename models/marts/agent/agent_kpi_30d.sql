with

kpi_30d as (

    select * from {{ ref('int_kpi_30d') }}
    where scope = 'agent'

),

kpis as (

    select
        mall_id,
        cs_uid,
        as_of_date,
        days_observed,
        distinct_consult_buyers_30d,
        {{ agent_kpis() }}
    from kpi_30d

),

final as (

    select
        *,
        {{ rank_of('reply_rate_3min', 'desc') }} as rank_reply_rate_3min,
        {{ rank_of('avg_response_seconds', 'asc') }}
            as rank_avg_response_seconds,
        {{ rank_of('inquiry_conversion_rate', 'desc') }}
            as rank_inquiry_conversion_rate,
        {{ rank_of('sales_amount', 'desc') }} as rank_sales_amount
    from kpis

)

select * from final
