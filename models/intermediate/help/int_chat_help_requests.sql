{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_buyer_days',
            'touched_key': ['mall_id', 'buyer_uid', 'service_date'],
            'changes': {'mall_id': 'varchar', 'service_date': 'date'},
        },
    )
}}

with

messages as (

    select * from {{ only_touched(
        ref('int_messages_classified'), by='int_touched_buyer_days',
        key=['mall_id', 'buyer_uid', 'service_date']
    ) }}
    where sender = 'buyer'

),

problem_texts as (

    select * from {{ ref('int_problem_texts') }}

),

with_problem as (

    select
        messages.mall_id,
        messages.buyer_uid,
        messages.msg_id,
        messages.order_sn,
        messages.sent_at,
        messages.service_date,
        coalesce(messages.problem_code, problem_texts.problem_code)
            as problem_code
    from messages
    left join problem_texts
        on
            messages.buyer_text = problem_texts.buyer_text
            and messages.problem_code is null

),

final as (

    select
        mall_id,
        buyer_uid,
        service_date,
        problem_code,
        min(sent_at) as request_at,
        arg_min(order_sn, (sent_at, msg_id)) filter (order_sn is not null)
            as order_sn
    from with_problem
    where problem_code is not null
    group by mall_id, buyer_uid, service_date, problem_code
    {{ lay_by_day('service_date') }}

)

select * from final
