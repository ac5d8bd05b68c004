-- Overlapping roster rows of one robot are merged, so that a message joins
-- to one period at most and no row is ever doubled.
{{
    config(
        materialized='incremental',
        meta={
            'changes': {'mall_id': 'varchar', 'cs_uid': 'varchar'},
        },
    )
}}

with

agents as (

    select * from {{ ref('stg_pdd__agents') }}

),

robot_rows as (

    select
        mall_id,
        cs_uid,
        coalesce(valid_from, date '0001-01-01') as valid_from,
        coalesce(valid_to, date '9999-12-30') as valid_to
    from agents
    where
        is_robot
        and coalesce(valid_from, date '0001-01-01')
        <= coalesce(valid_to, date '9999-12-30')

),

marked as (

    select
        *,
        valid_from > coalesce(
            max(valid_to) over (
                partition by mall_id, cs_uid
                order by valid_from, valid_to
                rows between unbounded preceding and 1 preceding
            ) + 1,
            date '0001-01-01' - 1
        ) as starts_period
    from robot_rows

),

numbered as (

    select
        *,
        count_if(starts_period) over (
            partition by mall_id, cs_uid
            order by valid_from, valid_to
            rows unbounded preceding
        ) as period_number
    from marked

),

final as (

    select
        mall_id,
        cs_uid,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to
    from numbered
    group by mall_id, cs_uid, period_number

)

select * from final
