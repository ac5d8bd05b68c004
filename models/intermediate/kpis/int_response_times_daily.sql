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

final as (

    select
        case grouping(cs_uid) when 1 then 'mall' else 'agent' end as scope,
        mall_id,
        cs_uid,
        service_date,
        time_class,
        count(*) as responses,
        list_sort(list(response_ms)) as response_times_ms
    from messages
    group by mall_id, service_date, time_class, rollup(cs_uid)
    having grouping(cs_uid) = 1 or cs_uid is not null

)

select * from final
