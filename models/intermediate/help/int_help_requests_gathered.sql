-- Every channel's requests in one form, and whether the buyer was marked as malicious.
{%- set touched = {'by': 'int_touched_help_days', 'key': ['mall_id', 'request_date']} %}
{{ config(
    materialized='incremental',
    meta={
        'touched_by': touched.by, 'touched_key': touched.key,
        'changes': {'mall_id': 'varchar', 'request_date': 'date'},
    },
) }}

with

chat_requests as (

    select * from {{ only_touched(
        ref('int_chat_help_requests'), by='int_touched_help_days',
        key={'mall_id': 'mall_id', 'service_date': 'request_date'}
    ) }}

),

refund_requests as (

    select * from {{ only_touched(
        ref('int_refund_requests'), by='int_touched_help_days',
        key={'mall_id': 'mall_id', 'created_date': 'request_date'}
    ) }}

),

complaints as (

    select * from {{ only_touched(
        ref('stg_pdd__complaints'), by='int_touched_help_days',
        key={'mall_id': 'mall_id', 'created_at::date': 'request_date'}
    ) }}

),

excluded_buyers as (

    select * from {{ ref('int_excluded_buyers') }}

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

    -- Every request is one to the merchant, some are one to the platform as well.
    select
        unnest(
            case
                when is_platform_intervention or after_sales_status = 8
                    then ['merchant_after_sales', 'platform_intervention']
                else ['merchant_after_sales']
            end
        ) as channel,
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
    {{ lay_by_day('request_date') }}

)

select * from final
