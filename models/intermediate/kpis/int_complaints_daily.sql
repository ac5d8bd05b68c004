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

complaints as (

    select * from {{ only_touched(
        ref('int_help_requests_gathered'), by='int_touched_days',
        key={'mall_id': 'mall_id', 'request_date': 'service_date'}
    ) }}
    where channel = 'complaint' and is_valid and not is_excluded_buyer

),

added_up as (

    select
        case grouping(cs_uid) when 1 then 'mall' else 'agent' end as scope,
        mall_id,
        cs_uid,
        request_date as service_date,
        count(distinct buyer_uid) as complaint_buyers
    from complaints
    group by mall_id, request_date, rollup(cs_uid)

),

final as (

    select * from added_up
    where scope = 'mall' or cs_uid is not null

)

select * from final
