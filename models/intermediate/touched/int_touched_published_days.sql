-- Touched mall-days, and those that a moved as-of end brings in, takes out or
-- makes final.
{%- set reach = [
    var('conversion_window_days') - 1,
    (var('reply_horizon_hours') / 24) | round(0, 'ceil') | int,
] | max %}

with

moved as (

    {{ moved_as_of_end(reach) }}

),

final as (

    select
        mall_id,
        service_date
    from {{ ref('int_touched_days') }}
    union
    select
        kpi_daily.mall_id,
        kpi_daily.service_date
    from {{ ref('int_kpi_daily') }} as kpi_daily
    inner join moved
        on kpi_daily.service_date between moved.first_date and moved.last_date

)

select * from final
