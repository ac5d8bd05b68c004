-- By class of the time, so that a quantile over many days is found by counting
-- and only one class of messages has to be sorted.
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

    select
        mall_id,
        cs_uid,
        service_date,
        response_ms,
        {{ response_time_class('response_ms') }} as time_class
    from {{ only_touched(
        ref('int_messages_assessed'), by='int_touched_days',
        key=['mall_id', 'service_date']
    ) }}
    where is_assessed and response_ms is not null

),

agents as (

    select
        mall_id,
        cs_uid,
        service_date,
        time_class,
        list(response_ms) as response_times_ms
    from messages
    group by mall_id, cs_uid, service_date, time_class

),

-- From the agents' lists: see int_response_quantiles_daily.
malls as (

    select
        mall_id,
        service_date,
        time_class,
        flatten(list(response_times_ms)) as response_times_ms
    from agents
    group by mall_id, service_date, time_class

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
    where cs_uid is not null

),

final as (

    select
        scope,
        mall_id,
        cs_uid,
        service_date,
        time_class,
        len(response_times_ms) as responses,
        list_sort(response_times_ms) as response_times_ms
    from scopes
    {{ lay_by_day('service_date') }}

)

select * from final
