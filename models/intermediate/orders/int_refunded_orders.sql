-- An order is refunded once, with its earliest success; its flags are true if
-- any one of its refund rows meets the whole condition.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'changes.int_refund_requests',
            'touched_key': ['order_sn'],
            'changes': {
                'order_sn': 'varchar',
                'mall_id': 'varchar',
                'refund_date': 'date',
            },
        },
    )
}}

with

refund_requests as (

    select * from {{ only_touched(
        ref('int_refund_requests'), by='changes.int_refund_requests',
        key=['order_sn']
    ) }}
    where order_sn is not null

),

problems as (

    select * from {{ ref('problems') }}

),

flagged as (

    select
        refund_requests.*,
        coalesce(
            problems.is_quality
            and epoch_ms(refund_requests.signed_at)
            - epoch_ms(refund_requests.created_at) < 18 * 3600000,
            false
        ) as is_quality
    from refund_requests
    left join problems
        on refund_requests.problem_code = problems.problem_code

),

final as (

    select
        mall_id,
        order_sn,
        min(refund_success_at) as refunded_at,
        cast(min(refund_success_at) as date) as refund_date,
        arg_min(refund_ms, (refund_success_at, refund_id))
        filter (refund_success_at is not null) as refund_ms,
        bool_or(is_dispute) as is_dispute,
        bool_or(is_platform_intervention) as is_platform_intervention,
        bool_or(is_quality) as is_quality
    from flagged
    group by mall_id, order_sn
    having count(refund_success_at) > 0

)

select * from final
