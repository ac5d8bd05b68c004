-- The five items of the agent service score, one row each, 0 to 10 points.
with

kpi_30d as (

    select * from {{ ref('int_kpi_30d') }}
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
            response_speed_ms / 54000 / nullif(assessed_messages, 0),
            problem_solving_micropoints / 1000000
            / nullif(problem_solving_reviews, 0),
            communication_micropoints / 1000000
            / nullif(communication_reviews, 0),
            professionalism_micropoints / 1000000
            / nullif(professionalism_reviews, 0),
            after_sales_micropoints / 1000000 / nullif(after_sales_reviews, 0)
        ]) as points
    from kpi_30d

)

select * from final
