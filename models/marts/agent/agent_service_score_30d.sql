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

service_items as (

    select * from {{ only_touched(
        ref('int_service_items_30d'), by='int_touched_as_of',
        key=['mall_id', 'as_of_date']
    ) }}

),

item_weights as (

    select
        item,
        weight::double as weight
    from {{ ref('service_score_weights') }}

),

incomplete_days as (

    select * from {{ only_touched(
        ref('int_incomplete_days_30d'), by='int_touched_as_of',
        key=['mall_id', 'as_of_date']
    ) }}

),

weighted as (

    -- An item without data has no weight in the mean.
    select
        service_items.*,
        case
            when service_items.points is not null
                then coalesce(item_weights.weight, 0)
        end as weight
    from service_items
    left join item_weights
        on service_items.item = item_weights.item

),

averaged as (

    select
        mall_id,
        cs_uid,
        as_of_date,
        max(points) filter (item = 'response_speed') as response_speed,
        max(points) filter (item = 'problem_solving') as problem_solving,
        max(points) filter (item = 'communication') as communication,
        max(points) filter (item = 'professionalism') as professionalism,
        max(points) filter (item = 'after_sales') as after_sales,
        sum(weight * points order by position)
        / nullif(sum(weight order by position), 0) as weighted_mean,
        coalesce(
            string_agg(item, ',' order by position) filter (points is null), ''
        ) as items_missing,
        buyer_days
    from weighted
    group by mall_id, cs_uid, as_of_date, buyer_days

),

final as (

    select
        averaged.mall_id,
        averaged.cs_uid,
        averaged.as_of_date,
        averaged.response_speed,
        averaged.problem_solving,
        averaged.communication,
        averaged.professionalism,
        averaged.after_sales,
        averaged.items_missing,
        averaged.buyer_days,
        -- A mean of tens can end in ...01, by the rounding of the weights.
        case
            when averaged.buyer_days < {{ var('service_score_min_buyers') }}
                then null
            when averaged.weighted_mean > 10 then 10
            else averaged.weighted_mean
        end as service_score,
        incomplete_days.incomplete_message_days_30d as incomplete_days_30d,
        incomplete_days.incomplete_message_days_30d = 0 as is_complete
    from averaged
    left join incomplete_days
        on
            averaged.mall_id = incomplete_days.mall_id
            and averaged.as_of_date = incomplete_days.as_of_date

)

select * from final
