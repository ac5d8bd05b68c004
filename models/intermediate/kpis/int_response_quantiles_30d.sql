-- Between the two messages beside a quantile it is interpolated as quantile_cont
-- does, but in whole numbers up to the last division.
{%- set touched = {'by': 'int_touched_as_of', 'key': ['mall_id', 'as_of_date']} %}
{{ config(
    materialized='incremental',
    meta={'touched_by': touched.by, 'touched_key': touched.key},
) }}

with

ranks as (

    select * from {{ only_touched(ref('int_response_ranks_30d'), **touched) }}

),

times as (

    select * from {{ only_touched(
        ref('int_response_times_daily'), by='int_touched_30d_days',
        key=['mall_id', 'service_date']
    ) }}

),

classes as (

    select
        scope,
        mall_id,
        cs_uid,
        as_of_date,
        time_class
    from ranks
    group by all

),

class_days as (

    select
        *,
        as_of_date - unnest(range(30))::int as service_date
    from classes

),

sorted as (

    select
        class_days.scope,
        class_days.mall_id,
        class_days.cs_uid,
        class_days.as_of_date,
        class_days.time_class,
        list_sort(flatten(list(times.response_times_ms))) as response_times_ms
    from class_days
    inner join times
        on
            class_days.scope = times.scope
            and class_days.mall_id = times.mall_id
            and class_days.cs_uid is not distinct from times.cs_uid
            and class_days.time_class = times.time_class
            and class_days.service_date = times.service_date
    group by all

),

beside as (

    select
        ranks.scope,
        ranks.mall_id,
        ranks.cs_uid,
        ranks.as_of_date,
        ranks.quantile_tenths,
        ranks.tenths_above,
        min(sorted.response_times_ms[ranks.rank_in_class]) as lower_ms,
        max(sorted.response_times_ms[ranks.rank_in_class]) as upper_ms
    from ranks
    inner join sorted
        on
            ranks.scope = sorted.scope
            and ranks.mall_id = sorted.mall_id
            and ranks.cs_uid is not distinct from sorted.cs_uid
            and ranks.as_of_date = sorted.as_of_date
            and ranks.time_class = sorted.time_class
    group by
        ranks.scope, ranks.mall_id, ranks.cs_uid, ranks.as_of_date,
        ranks.quantile_tenths, ranks.tenths_above

),

interpolated as (

    select
        *,
        (lower_ms * (10 - tenths_above) + upper_ms * tenths_above) / 10.0::double
            as response_ms
    from beside

),

final as (

    select
        scope,
        mall_id,
        cs_uid,
        as_of_date,
        max(response_ms) filter (where quantile_tenths = 5) as median_response_ms,
        max(response_ms) filter (where quantile_tenths = 9) as p90_response_ms
    from interpolated
    group by scope, mall_id, cs_uid, as_of_date

)

select * from final
