{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_as_of',
            'touched_key': ['mall_id', 'as_of_date'],
        },
    )
}}

with

kpi_30d as (

    select * from {{ only_touched(
        ref('int_kpi_30d'), by='int_touched_as_of',
        key=['mall_id', 'as_of_date']
    ) }}
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

incomplete_days as (

    select * from {{ only_touched(
        ref('int_incomplete_days_30d'), by='int_touched_as_of',
        key=['mall_id', 'as_of_date']
    ) }}

),

ranked as (

    select
        *,
        {{ rank_of('reply_rate_3min', 'desc') }} as rank_reply_rate_3min,
        {{ rank_of('avg_response_seconds', 'asc') }}
            as rank_avg_response_seconds,
        {{ rank_of('inquiry_conversion_rate', 'desc') }}
            as rank_inquiry_conversion_rate,
        {{ rank_of('sales_amount', 'desc') }} as rank_sales_amount
    from kpis

),

final as (

    select
        ranked.*,
        incomplete_days.incomplete_kpi_days_30d as incomplete_days_30d,
        incomplete_days.incomplete_kpi_days_30d = 0 as is_complete
    from ranked
    left join incomplete_days
        on
            ranked.mall_id = incomplete_days.mall_id
            and ranked.as_of_date = incomplete_days.as_of_date

)

select * from final
