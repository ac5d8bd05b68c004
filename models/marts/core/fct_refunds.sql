{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_published_refunds',
            'touched_key': ['refund_id'],
        },
    )
}}

with

refund_requests as (

    select * from {{ only_touched(
        ref('int_refund_requests'), by='int_touched_published_refunds',
        key=['refund_id']
    ) }}

),

first_responses as (

    select * from {{ only_touched(
        ref('int_refund_first_responses'), by='int_touched_published_refunds',
        key=['refund_id']
    ) }}

),

final as (

    select
        refund_requests.refund_id,
        refund_requests.mall_id,
        refund_requests.order_sn,
        {{ buyer_key('refund_requests.mall_id', 'refund_requests.buyer_uid') }}
            as buyer_key,
        refund_requests.problem_code,
        first_responses.cs_uid as first_response_cs_uid,
        refund_requests.is_refunded,
        refund_requests.is_dispute,
        refund_requests.is_platform_intervention,
        refund_requests.created_at,
        refund_requests.refund_success_at,
        refund_requests.refund_ms / 3600000.0 as refund_hours,
        first_responses.first_response_ms / 1000.0
            as after_sales_first_response_seconds
    from refund_requests
    left join first_responses
        on refund_requests.refund_id = first_responses.refund_id

)

select * from final
