-- Quantiles do not add up: they are taken over the messages themselves.
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

final as (

    select
        case grouping(cs_uid, shift_name)
            when 3 then 'mall' when 1 then 'agent' else 'shift'
        end as scope,
        mall_id,
        cs_uid,
        shift_name,
        service_date,
        quantile_cont(response_ms, 0.5) as median_response_ms,
        quantile_cont(response_ms, 0.9) as p90_response_ms
    from messages
    group by mall_id, service_date, rollup(cs_uid, shift_name)

)

select * from final
