{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_refunds',
            'touched_key': ['refund_id'],
            'changes': {
                'refund_id': 'varchar',
                'mall_id': 'varchar',
                'buyer_uid': 'varchar',
                'order_sn': 'varchar',
                'created_date': 'date',
            },
        },
    )
}}

with

refunds as (

    select * from {{ only_touched(
        ref('stg_pdd__refunds'), by='int_touched_refunds',
        key=['refund_id']
    ) }}

),

-- Of every refund that is read, whatever it was touched by: an older version may
-- name an order that changed, the one in place an order that did not.
orders as (

    select
        mall_id,
        order_sn,
        buyer_uid
    from {{ only_touched(
        ref('int_orders_identified'), by='cte.refunds', key=['order_sn']
    ) }}

),

refund_reasons as (

    select * from {{ ref('refund_reasons') }}

),

final as (

    select
        refunds.refund_id,
        refunds.mall_id,
        refunds.order_sn,
        refunds.liability,
        refunds.after_sales_status,
        refunds.created_at,
        refunds.updated_at,
        refunds.refund_success_at,
        refunds.signed_at,
        coalesce(refunds.buyer_uid, orders.buyer_uid) as buyer_uid,
        coalesce(
            refunds.problem_code, refund_reasons.problem_code, 'unknown'
        ) as problem_code,
        cast(refunds.created_at as date) as created_date,
        cast(refunds.refund_success_at as date) as refund_date,
        refunds.refund_success_at is not null as is_refunded,
        coalesce(refunds.join_or_not = 1, false) as is_platform_intervention,
        coalesce(
            refunds.dispute_refund_status = 1
            or (refunds.join_or_not = 1 and refunds.liability = 'merchant'),
            false
        ) as is_dispute,
        epoch_ms(refunds.refund_success_at) - epoch_ms(refunds.created_at)
            as refund_ms
    from refunds
    left join orders
        on
            refunds.order_sn = orders.order_sn
            and refunds.mall_id = orders.mall_id
    left join refund_reasons
        on refunds.after_sale_reason = refund_reasons.reason
    {{ lay_by_day('created_date') }}

)

select * from final
