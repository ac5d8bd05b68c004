-- The five items of the agent service score, one row each, 0 to 10 points.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_as_of',
            'touched_key': ['mall_id', 'as_of_date'],
        },
    )
}}

with

kpi_30d as (

    select * from {{ only_touched(
        ref('int_kpi_30d'), by='int_touched_as_of',
        key=['mall_id', 'as_of_date']
    ) }}
    where scope = 'agent'

),

final as (

    select
        mall_id,
        cs_uid,
        as_of_date,
        assessed_consult_buyers as buyer_days,
        unnest([1, 2, 3, 4, 5]) as position,
        unnest([
            'response_speed',
            'problem_solving',
            'communication',
            'professionalism',
            'after_sales'
        ]) as item,
        unnest([
            -- 540 seconds' worth of milliseconds are ten points.
            response_speed_ms / nullif(assessed_messages * 54000, 0),
            problem_solving_micropoints
            / nullif(problem_solving_reviews * 1000000, 0),
            communication_micropoints
            / nullif(communication_reviews * 1000000, 0),
            professionalism_micropoints
            / nullif(professionalism_reviews * 1000000, 0),
            after_sales_micropoints / nullif(after_sales_reviews * 1000000, 0)
        ]) as points
    from kpi_30d

)

select * from final
