-- A mean alone is no event: these sums fill rows that exist, and make none.
with

first_responses as (

    select * from {{ ref('int_refund_first_responses') }}

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
