{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_request_days',
            'touched_key': ['mall_id', 'request_date'],
        },
    )
}}

with

help_requests as (

    select * from {{ only_touched(
        ref('int_help_requests'), by='int_touched_request_days',
        key=['mall_id', 'request_date']
    ) }}

),

final as (

    select
        help_request_id,
        mall_id,
        {{ buyer_key() }} as buyer_key,
        order_sn,
        channel,
        module,
        problem_code,
        not_counted_reason,
        is_platform,
        is_counted,
        request_date,
        request_at
    from help_requests

)

select * from final
