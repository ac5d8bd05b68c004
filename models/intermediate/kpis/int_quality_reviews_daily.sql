-- Points are added in millionths, so that sums are exact whatever the order.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_days',
            'touched_key': ['mall_id', 'service_date'],
        },
    )
}}

with

quality_reviews as (

    select * from {{ only_touched(
        ref('stg_pdd__quality_reviews'), by='int_touched_days',
        key=['mall_id', 'service_date']
    ) }}

),

final as (

    select
        'agent' as scope,
        mall_id,
        cs_uid,
        service_date,
        count(problem_solving) as problem_solving_reviews,
        sum(cast(problem_solving * 1000000 as bigint))
            as problem_solving_micropoints,
        count(communication) as communication_reviews,
        sum(cast(communication * 1000000 as bigint))
            as communication_micropoints,
        count(professionalism) as professionalism_reviews,
        sum(cast(professionalism * 1000000 as bigint))
            as professionalism_micropoints,
        count(after_sales) as after_sales_reviews,
        sum(cast(after_sales * 1000000 as bigint)) as after_sales_micropoints
    from quality_reviews
    where cs_uid is not null
    group by mall_id, cs_uid, service_date

)

select * from final
