-- One row for each mall (agent) and day from its first row to 29 days after
-- its last one: the days on which a 30-day figure exists.
{{
    config(
        materialized='incremental',
        meta={
            'changes': {'mall_id': 'varchar', 'as_of_date': 'date'},
        },
    )
}}

with

kpi_daily as (

    select * from {{ ref('int_kpi_daily') }}
    where is_event and scope in ('mall', 'agent')

),

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

),

spans as (

    select
        kpi_daily.scope,
        kpi_daily.mall_id,
        kpi_daily.cs_uid,
        as_of_end.as_of_end,
        min(kpi_daily.service_date) as first_date,
        max(kpi_daily.service_date) as last_date
    from kpi_daily
    inner join as_of_end
        on kpi_daily.service_date <= as_of_end.as_of_end
    group by all

),

warehouse as (

    select min(first_date) as first_date
    from spans
    where scope = 'mall'

),

days as (

    select
        scope,
        mall_id,
        cs_uid,
        unnest(
            generate_series(
                first_date, least(last_date + 29, as_of_end), interval 1 day
            )
        ) as as_of_at
    from spans

),

final as (

    select
        days.scope,
        days.mall_id,
        days.cs_uid,
        cast(days.as_of_at as date) as as_of_date,
        cast(
            least(30, cast(days.as_of_at as date) - warehouse.first_date + 1)
            as bigint
        ) as days_observed
    from days
    cross join warehouse

)

select * from final
