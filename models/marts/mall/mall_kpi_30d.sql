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
    where scope = 'mall'

),

incomplete_days as (

    select * from {{ only_touched(
        ref('int_incomplete_days_30d'), by='int_touched_as_of',
        key=['mall_id', 'as_of_date']
    ) }}

),

kpis as (

    select
        mall_id,
        as_of_date,
        days_observed,
        distinct_consult_buyers_30d,
        {{ mall_kpis() }}
    from kpi_30d

),

final as (

    select
        kpis.*,
        incomplete_days.incomplete_kpi_days_30d as incomplete_days_30d,
        incomplete_days.incomplete_kpi_days_30d = 0 as is_complete
    from kpis
    left join incomplete_days
        on
            kpis.mall_id = incomplete_days.mall_id
            and kpis.as_of_date = incomplete_days.as_of_date

)

select * from final
