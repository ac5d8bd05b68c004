-- A mean alone is no event: these sums fill rows that exist, and make none.
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

first_responses as (

    select * from {{ only_touched(
        ref('int_refund_first_responses'), by='int_touched_days',
        key={'mall_id': 'mall_id', 'created_date': 'service_date'}
    ) }}

),

final as (

    select
        case grouping(cs_uid) when 1 then 'mall' else 'agent' end as scope,
        mall_id,
        cs_uid,
        created_date as service_date,
        count(*) as after_sales_first_responses,
        sum(first_response_ms) as after_sales_first_response_ms
    from first_responses
    group by mall_id, created_date, rollup(cs_uid)

)

select * from final
