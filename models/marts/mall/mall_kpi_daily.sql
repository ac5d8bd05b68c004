with

kpi_daily as (

    select * from {{ ref('int_kpi_daily') }}
    where scope = 'mall' and is_event

),

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

),

complete_days as (

    select
        kpi_daily.*,
        as_of_end.as_of_end
    from kpi_daily
    inner join as_of_end
        on kpi_daily.service_date <= as_of_end.as_of_end

),

final as (

    select
        mall_id,
        service_date,
        {{ is_conversion_final('as_of_end', 'service_date') }}
            as is_conversion_final,
        {{ mall_kpis() }}
    from complete_days

)

select * from final
