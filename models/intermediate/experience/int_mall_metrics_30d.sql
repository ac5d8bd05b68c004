-- Every figure that malls can be compared by, one row each: those to which the
-- metrics seed gives a direction. goodness turns each so that more is better, on
-- 10 digits, so that equal figures tie and a target is met at equality.
{%- set touched = {'by': 'int_touched_as_of_dates', 'key': ['as_of_date']} %}
{{ config(
    materialized='incremental',
    meta={'touched_by': touched.by, 'touched_key': touched.key},
) }}

with

kpis as (

    select
        mall_id,
        as_of_date,
        distinct_consult_buyers_30d,
        {{ mall_kpis() }}
    from {{ only_touched(ref('int_kpi_30d'), **touched) }}
    where scope = 'mall'

),

kpi_values as (

    select
        mall_id,
        as_of_date,
        cast(columns(* exclude (mall_id, as_of_date)) as double)
    from kpis

),

help_values as (

    select
        mall_id,
        as_of_date,
        cast(columns('_30d$|_rate$|^help_orders') as double)
    from {{ only_touched(ref('int_help_rates_30d'), **touched) }}
    where breakdown = 'module' and member = 'all'

),

score_values as (

    select
        mall_id,
        as_of_date,
        cast(columns('^experience|^category|^change') as double)
    from {{ only_touched(ref('int_experience_scores'), **touched) }}

),

kpis_long as (

    unpivot kpi_values
    on columns(* exclude (mall_id, as_of_date))
    into name metric value metric_value

),

help_long as (

    unpivot help_values
    on columns(* exclude (mall_id, as_of_date))
    into name metric value metric_value

),

scores_long as (

    unpivot score_values
    on columns(* exclude (mall_id, as_of_date))
    into name metric value metric_value

),

compared as (

    select * from kpis_long
    union all
    select * from help_long
    union all
    select * from scores_long

),

final as (

    select
        compared.mall_id,
        compared.as_of_date,
        malls.category_name,
        compared.metric,
        compared.metric_value,
        case when metrics.is_higher_better then 1 else -1 end as direction,
        round(
            case
                when metrics.is_higher_better then compared.metric_value
                else -compared.metric_value
            end,
            10
        ) as goodness
    from compared
    inner join {{ ref('metrics') }} as metrics
        on
            compared.metric = metrics.metric
            and metrics.is_higher_better is not null
    inner join {{ ref('int_malls_categorized') }} as malls
        on compared.mall_id = malls.mall_id

)

select * from final
