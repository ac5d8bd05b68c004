-- Who is scored on a day, and against whom: the malls of the category, or all
-- malls where the category has too few.
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

rates as (

    select
        mall_id,
        as_of_date,
        grouped_orders_30d
    from {{ only_touched(
        ref('int_help_rates_30d'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}
    where breakdown = 'module' and member = 'all'

),

malls as (

    select * from {{ ref('int_malls_categorized') }}

),

eligible as (

    select
        rates.*,
        malls.category_name,
        rates.grouped_orders_30d >= {{ var('score_min_orders') }} as is_scored
    from rates
    inner join malls
        on rates.mall_id = malls.mall_id

),

counted as (

    select
        *,
        count_if(is_scored) over (partition by as_of_date, category_name)
            as category_peers
    from eligible

),

final as (

    select
        mall_id,
        as_of_date,
        category_name,
        grouped_orders_30d,
        is_scored,
        case
            when is_scored and category_peers < {{ var('score_min_peers') }}
                then 'all'
            when is_scored then 'category'
        end as peer_scope
    from counted

)

select * from final
