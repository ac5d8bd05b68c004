{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_as_of_dates',
            'touched_key': ['as_of_date'],
        },
    )
}}

with

help_rates as (

    select * from {{ only_touched(
        ref('int_help_rates_30d'), by='int_touched_compared_dates',
        key=['as_of_date']
    ) }}

),

problems as (

    select * from help_rates
    where breakdown = 'problem'

),

totals as (

    select * from help_rates
    where breakdown = 'module' and member = 'all'

),

incomplete_days as (

    select * from {{ only_touched(
        ref('int_incomplete_days_30d'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}

),

compared as (

    select
        problems.*,
        coalesce(week_before.help_orders_30d, 0) as help_orders_week_before
    from {{ only_touched(
        'problems', by='int_touched_as_of_dates', key=['as_of_date']
    ) }} as problems
    left join problems as week_before
        on
            problems.mall_id = week_before.mall_id
            and problems.member = week_before.member
            and problems.as_of_date = week_before.as_of_date + 7
    where problems.help_orders_30d > 0

),

final as (

    select
        compared.mall_id,
        compared.as_of_date,
        compared.member as problem_code,
        compared.help_orders_30d,
        totals.help_orders_30d as mall_help_orders_30d,
        compared.help_orders_30d / nullif(totals.help_orders_30d, 0)
            as help_order_share,
        rank() over (
            partition by compared.mall_id, compared.as_of_date
            order by compared.help_orders_30d desc
        ) as issue_rank,
        compared.help_orders_30d - compared.help_orders_week_before
            as change_7d,
        compared.platform_help_orders_30d,
        compared.platform_help_orders_30d
        / nullif(compared.help_orders_30d, 0) as platform_share,
        incomplete_days.incomplete_help_days_30d as incomplete_days_30d,
        incomplete_days.incomplete_help_days_30d = 0 as is_complete
    from compared
    inner join totals
        on
            compared.mall_id = totals.mall_id
            and compared.as_of_date = totals.as_of_date
    left join incomplete_days
        on
            compared.mall_id = incomplete_days.mall_id
            and compared.as_of_date = incomplete_days.as_of_date

)

select * from final
