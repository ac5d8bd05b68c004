-- Buyer-days whose messages are after-sale work: the buyer is in the after-sale
-- period of an order, or has a refund request that is still open.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_buyers',
            'touched_key': ['mall_id', 'buyer_uid'],
            'changes': {'mall_id': 'varchar', 'service_date': 'date'},
        },
    )
}}

with

buyer_days as (

    select * from {{ only_touched(
        ref('int_buyer_days'), by='int_touched_buyers',
        key=['mall_id', 'buyer_uid']
    ) }}
    where is_consulted

),

consultations as (

    select * from {{ only_touched(
        ref('int_consultations'), by='int_touched_buyers',
        key=['mall_id', 'buyer_uid']
    ) }}
    where is_after_sales_consult

),

refund_requests as (

    select
        *,
        coalesce(
            refund_date,
            case
                when after_sales_status in (0, 9, 11, 12, 13)
                    then cast(updated_at as date)
            end,
            date '9999-12-31'
        ) as closing_date
    from {{ only_touched(
        ref('int_refund_requests'), by='int_touched_buyers',
        key=['mall_id', 'buyer_uid']
    ) }}
    where buyer_uid is not null

),

final as (

    select
        mall_id,
        buyer_uid,
        service_date
    from consultations

    union

    select
        buyer_days.mall_id,
        buyer_days.buyer_uid,
        buyer_days.service_date
    from buyer_days
    inner join refund_requests
        on
            buyer_days.mall_id = refund_requests.mall_id
            and buyer_days.buyer_uid = refund_requests.buyer_uid
            and buyer_days.service_date
            between refund_requests.created_date and refund_requests.closing_date

)

select * from final
