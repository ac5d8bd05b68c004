-- Every channel's requests in one form, with who asked, about what and whether
-- the buyer was marked as malicious on that day.
with

chat_requests as (

    select * from {{ ref('int_chat_help_requests') }}

),

refund_requests as (

    select * from {{ ref('int_refund_requests') }}

),

complaints as (

    select * from {{ ref('stg_pdd__complaints') }}

),

excluded_buyers as (

    select * from {{ ref('stg_pdd__excluded_buyers') }}

),

requests as (

    select
        'merchant_chat' as channel,
        {{ buyer_key() }} || '|' || service_date || '|' || problem_code
            as source_key,
        mall_id,
        buyer_uid,
        order_sn,
        problem_code,
        request_at
    from chat_requests

    union all by name

    select
        'merchant_after_sales' as channel,
        refund_id as source_key,
        mall_id,
        buyer_uid,
        order_sn,
        problem_code,
        liability,
        created_at as request_at
    from refund_requests

    union all by name

    select
        'platform_intervention' as channel,
        refund_id as source_key,
        mall_id,
        buyer_uid,
        order_sn,
        problem_code,
        liability,
        created_at as request_at
    from refund_requests
    where is_platform_intervention or after_sales_status = 8

    union all by name

    select
        channel,
        complaint_id as source_key,
        mall_id,
        buyer_uid,
        cs_uid,
        order_sn,
        coalesce(problem_code, 'unknown') as problem_code,
        liability,
        is_valid,
        created_at as request_at
    from complaints

),

final as (

    select
        * replace (coalesce(is_valid, true) as is_valid),
        md5(channel || '|' || mall_id || '|' || source_key) as help_request_id,
        channel not in ('merchant_chat', 'merchant_after_sales') as is_platform,
        cast(request_at as date) as request_date,
        exists(
            select 1
            from excluded_buyers
            where
                excluded_buyers.buyer_uid = requests.buyer_uid
                and coalesce(excluded_buyers.mall_id, requests.mall_id)
                = requests.mall_id
                and cast(requests.request_at as date)
                >= coalesce(excluded_buyers.valid_from, date '0001-01-01')
                and cast(requests.request_at as date)
                <= coalesce(excluded_buyers.valid_to, date '9999-12-31')
        ) as is_excluded_buyer
    from requests

)

select * from final
