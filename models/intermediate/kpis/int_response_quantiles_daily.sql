-- Quantiles do not add up: they are taken over the messages themselves. Each time
-- goes into one list; an agent's and a mall's are put together from their lists. As
-- states of one aggregation over three grouping sets they took ten times the memory
-- and, beside another model, spilled without bound.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_days',
            'touched_key': ['mall_id', 'service_date'],
        },
    )
}}

with

messages as (

    select * from {{ only_touched(
        ref('int_messages_assessed'), by='int_touched_days',
        key=['mall_id', 'service_date']
    ) }}
    where is_assessed and response_ms is not null

),

shifts as (

    select
        mall_id,
        cs_uid,
        shift_name,
        service_date,
        list(response_ms) as response_times_ms
    from messages
    group by mall_id, cs_uid, shift_name, service_date

),

agents as (

    select
        mall_id,
        cs_uid,
        service_date,
        flatten(list(response_times_ms)) as response_times_ms
    from shifts
    group by mall_id, cs_uid, service_date

),

malls as (

    select
        mall_id,
        service_date,
        flatten(list(response_times_ms)) as response_times_ms
    from agents
    group by mall_id, service_date

),

scopes as (

    select
        'mall' as scope,
        *
    from malls

    union all by name

    select
        'agent' as scope,
        *
    from agents

    union all by name

    select
        'shift' as scope,
        *
    from shifts

),

final as (

    select
        scope,
        mall_id,
        cs_uid,
        shift_name,
        service_date,
        list_aggregate(response_times_ms, 'quantile_cont', 0.5)
            as median_response_ms,
        list_aggregate(response_times_ms, 'quantile_cont', 0.9)
            as p90_response_ms
    from scopes

)

select * from final
