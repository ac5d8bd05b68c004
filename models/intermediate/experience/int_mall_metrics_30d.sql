-- Every figure that malls can be compared by, one row each: those to which the
-- metrics seed gives a direction. goodness turns each so that more is better.
with

kpis as (

    select
        mall_id,
        as_of_date,
        distinct_consult_buyers_30d,
        {{ mall_kpis() }}
    from {{ ref('int_kpi_30d') }}
    where scope = 'mall'

),

help_rates as (

    select * exclude (days_observed, breakdown, member)
    from {{ ref('int_help_rates_30d') }}
    where breakdown = 'module' and member = 'all'

),

scores as (

    select * exclude (costliest_module)
    from {{ ref('int_experience_scores') }}

),

wide as (

    select
        mall_id,
        as_of_date,
        cast(columns(* exclude (mall_id, as_of_date)) as double)
    from kpis
    inner join help_rates using (mall_id, as_of_date)
    left join scores using (mall_id, as_of_date)

),

long as (

    unpivot wide
    on columns(* exclude (mall_id, as_of_date))
    into name metric value metric_value

),

final as (

    select
        long.mall_id,
        long.as_of_date,
        malls.category_name,
        long.metric,
        long.metric_value,
        case when metrics.is_higher_better then 1 else -1 end as direction,
        case
            when metrics.is_higher_better then long.metric_value
            else -long.metric_value
        end as goodness
    from long
    inner join {{ ref('metrics') }} as metrics
        on
            long.metric = metrics.metric
            and metrics.is_higher_better is not null
    inner join {{ ref('int_malls_categorized') }} as malls
        on long.mall_id = malls.mall_id

)

select * from final
