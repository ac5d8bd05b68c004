-- No event lies before the platform did.
{{
    config(
        materialized='incremental',
        meta={'changes': {'date_day': 'date'}},
    )
}}

with

period_days as (

    select
        mall_id,
        newest_loaded_at,
        unnest(
            generate_series(
                greatest(period_start, date '2015-09-01'),
                period_end, interval 1 day
            )
        ) as day_at
    from {{ ref('int_official_periods') }}

),

final as (

    select
        mall_id,
        cast(day_at as date) as date_day,
        min(newest_loaded_at) as loaded_at
    from period_days
    group by mall_id, day_at

)

select * from final
