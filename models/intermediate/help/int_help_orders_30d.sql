-- Every module has its row every day, a problem while it has orders.
{%- set touched = {'by': 'int_touched_as_of', 'key': ['mall_id', 'as_of_date']} %}
{{ config(
    materialized='incremental',
    meta={'touched_by': touched.by, 'touched_key': touched.key},
) }}

with

spine as (

    select
        mall_id,
        as_of_date,
        days_observed
    from {{ only_touched(ref('int_kpi_spine'), **touched) }}
    where scope = 'mall'

),

changes as (

    select * from {{ only_touched(
        ref('int_help_order_changes'), by='int_touched_30d_days',
        key={'mall_id': 'mall_id', 'confirm_date': 'service_date'}
    ) }}

),

members as (

    select
        spine.mall_id,
        'module' as breakdown,
        modules.module as member
    from spine
    cross join {{ ref('int_help_modules') }} as modules
    union
    select
        mall_id,
        breakdown,
        member
    from changes

),

daily_changes as (

    select
        mall_id,
        breakdown,
        member,
        change_date,
        sum(change) filter (measure = 'any') as help_orders_30d,
        sum(change) filter (measure = 'platform') as platform_help_orders_30d,
        sum(change) filter (measure = 'merchant_chat') as help_orders_merchant_chat,
        sum(change) filter (measure = 'merchant_after_sales')
            as help_orders_merchant_after_sales,
        sum(change) filter (measure = 'platform_intervention')
            as help_orders_platform_intervention,
        sum(change) filter (measure = 'platform_online_cs')
            as help_orders_platform_online_cs,
        sum(change) filter (measure = 'platform_hotline')
            as help_orders_platform_hotline,
        sum(change) filter (measure = 'complaint') as help_orders_complaint
    from changes
    group by mall_id, breakdown, member, change_date

),

days as (

    select
        spine.mall_id,
        spine.as_of_date,
        spine.days_observed,
        members.breakdown,
        members.member
    from spine
    inner join members
        on spine.mall_id = members.mall_id
    union all by name
    select
        change_date as as_of_date,
        * exclude (change_date)
    from daily_changes

),

summed as (

    select
        mall_id,
        as_of_date,
        days_observed,
        breakdown,
        member,
        coalesce(sum(columns('help_orders_')) over running, 0)::bigint
    from days
    window
        running as (
            partition by mall_id, breakdown, member
            order by as_of_date
            range unbounded preceding
        )
    qualify days_observed is not null

),

final as (

    select * from summed
    where breakdown = 'module' or help_orders_30d > 0
    {{ lay_by_day('as_of_date') }}

)

select * from final
