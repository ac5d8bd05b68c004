{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_published_request_days',
            'touched_key': ['mall_id', 'request_date'],
        },
    )
}}

with

help_requests as (

    select * from {{ only_touched(
        ref('int_help_requests'), by='int_touched_published_request_days',
        key=['mall_id', 'request_date']
    ) }}
    where is_counted

),

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

),

final as (

    select
        help_requests.mall_id,
        help_requests.request_date,
        help_requests.channel,
        help_requests.problem_code,
        count(*) as help_requests,
        count(distinct help_requests.order_sn) as help_orders
    from help_requests
    inner join as_of_end
        on help_requests.request_date <= as_of_end.as_of_end
    group by all

)

select * from final
