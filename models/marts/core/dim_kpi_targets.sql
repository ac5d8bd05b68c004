with

kpi_targets as (

    select * from {{ ref('kpi_targets') }}

),

metrics as (

    select * from {{ ref('metrics') }}

),

final as (

    select
        kpi_targets.metric,
        kpi_targets.scope,
        metrics.is_higher_better,
        kpi_targets.target::double as target,
        kpi_targets.excellent::double as excellent
    from kpi_targets
    inner join metrics
        on kpi_targets.metric = metrics.metric

)

select * from final
