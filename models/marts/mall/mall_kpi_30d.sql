with

kpi_30d as (

    select * from {{ ref('int_kpi_30d') }}
    where scope = 'mall'

),

final as (

    select
        mall_id,
        as_of_date,
        days_observed,
        distinct_consult_buyers_30d,
        {{ mall_kpis() }}
    from kpi_30d

)

select * from final
