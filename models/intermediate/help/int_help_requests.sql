{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_request_days',
            'touched_key': ['mall_id', 'request_date'],
            'changes': {
                'mall_id': 'varchar',
                'request_date': 'date',
                'confirm_date': 'date',
            },
        },
    )
}}

with

gathered as (

    select * from {{ only_touched(
        ref('int_help_requests_gathered'), by='int_touched_request_days',
        key=['mall_id', 'request_date']
    ) }}

),

request_orders as (

    select * from {{ only_touched(
        ref('int_help_request_orders'), by='int_touched_request_days',
        key=['mall_id', 'request_date']
    ) }}

),

problems as (

    select * from {{ ref('problems') }}

),

matched as (

    select
        gathered.* exclude (order_sn),
        coalesce(gathered.order_sn, request_orders.order_sn) as order_sn
    from gathered
    left join request_orders
        on gathered.help_request_id = request_orders.help_request_id

),

orders as (

    select * from {{ only_touched(
        ref('int_orders_classified'), by='cte.matched', key=['order_sn']
    ) }}

),

judged as (

    select
        matched.*,
        orders.confirm_date,
        coalesce(problems.module, 'unknown') as module,
        case
            when problems.is_routine then 'routine'
            when matched.is_excluded_buyer then 'excluded_buyer'
            when not matched.is_valid then 'invalid_complaint'
            when matched.liability in ('buyer', 'platform', 'none')
                then 'not_merchant_liable'
            when matched.order_sn is null then 'no_order'
            when orders.order_sn is null then 'unknown_order'
            when orders.is_abnormal then 'abnormal_order'
            when not orders.is_grouped then 'order_not_grouped'
            when matched.request_at < orders.confirmed_at then 'before_group'
        end as not_counted_reason
    from matched
    left join orders
        on
            matched.mall_id = orders.mall_id
            and matched.order_sn = orders.order_sn
    left join problems
        on matched.problem_code = problems.problem_code

),

final as (

    select
        help_request_id,
        mall_id,
        buyer_uid,
        order_sn,
        channel,
        module,
        problem_code,
        not_counted_reason,
        not_counted_reason is null as is_counted,
        is_platform,
        request_date,
        confirm_date,
        request_at
    from judged

)

select * from final
