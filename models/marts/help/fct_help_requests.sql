with

help_requests as (

    select * from {{ ref('int_help_requests') }}

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
