-- Mall-days whose help requests may be other ones now, by their channels and by
-- the list of excluded buyers.
with

excluded_buyers as (

    select buyer_uid from {{ changes_of('int_excluded_buyers') }}

),

touched as (

    select
        mall_id,
        service_date as request_date
    from {{ changes_of('int_chat_help_requests') }}
    union
    select
        mall_id,
        created_date as request_date
    from {{ changes_of('int_refund_requests') }}
    union
    select
        mall_id,
        cast(created_at as date) as request_date
    from {{ rows_of_changed_keys('base_pdd__complaints', ['mall_id', 'created_at']) }}
    union
    select
        requests.mall_id,
        requests.service_date as request_date
    from {{ ref('int_chat_help_requests') }} as requests
    semi join excluded_buyers
        on requests.buyer_uid = excluded_buyers.buyer_uid
    union
    select
        requests.mall_id,
        requests.created_date as request_date
    from {{ ref('int_refund_requests') }} as requests
    semi join excluded_buyers
        on requests.buyer_uid = excluded_buyers.buyer_uid
    union
    select
        versions.mall_id,
        cast(versions.created_at as date) as request_date
    from {{ ref('base_pdd__complaints') }} as versions
    semi join excluded_buyers
        on versions.buyer_uid = excluded_buyers.buyer_uid

),

final as (

    select * from touched
    where mall_id is not null and request_date is not null

)

select * from final
