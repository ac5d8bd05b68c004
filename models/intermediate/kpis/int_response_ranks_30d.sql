-- Quantiles do not add up, but numbers of messages do: the 30-day sums by class
-- tell in which class the messages beside a quantile stand, and at which place.
-- All in whole tenths: a product with 0.9 would be off in its last digit.
{%- set touched = {'by': 'int_touched_as_of', 'key': ['mall_id', 'as_of_date']} %}
{{ config(
    materialized='incremental',
    meta={'touched_by': touched.by, 'touched_key': touched.key},
) }}

{%- set classes = response_time_classes() %}

with

daily as (

    select
        scope,
        mall_id,
        cs_uid,
        service_date as as_of_date,
        false as is_asked,
        {{ responses_to_each_class() }}
    from {{ only_touched(
        ref('int_response_times_daily'), by='int_touched_30d_days',
        key=['mall_id', 'service_date']
    ) }}
    group by scope, mall_id, cs_uid, service_date

),

stacked as (

    select * from daily
    union all by name
    select
        scope,
        mall_id,
        cs_uid,
        as_of_date,
        true as is_asked
    from {{ only_touched(ref('int_kpi_spine'), **touched) }}

),

summed as (

    select
        scope,
        mall_id,
        cs_uid,
        as_of_date,
        is_asked,
        {{ responses_to_each_class_over('thirty_days') }} as responses_to
    from stacked
    window thirty_days as (
        partition by scope, mall_id, cs_uid
        order by as_of_date
        range between interval 29 days preceding and current row
    )

),

quantiles as (

    select
        *,
        unnest([5, 9]) as quantile_tenths
    from summed
    where is_asked and responses_to[{{ classes }}] > 0

),

placed as (

    select
        *,
        (responses_to[{{ classes }}] - 1) * quantile_tenths as place_tenths
    from quantiles

),

ranks as (

    select
        *,
        place_tenths % 10 as tenths_above,
        unnest(list_distinct([place_tenths // 10, (place_tenths + 9) // 10]))
            as messages_below
    from placed

),

classed as (

    select
        *,
        len(list_filter(responses_to, lambda below: below <= messages_below))
            as time_class
    from ranks

),

final as (

    select
        scope,
        mall_id,
        cs_uid,
        as_of_date,
        quantile_tenths,
        tenths_above,
        time_class::int as time_class,
        messages_below - coalesce(responses_to[time_class], 0) + 1
            as rank_in_class
    from classed

)

select * from final
