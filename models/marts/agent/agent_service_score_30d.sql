with

service_items as (

    select * from {{ ref('int_service_items_30d') }}

),

item_weights as (

    select
        item,
        weight::double as weight
    from {{ ref('service_score_weights') }}

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

final as (

    select
        mall_id,
        cs_uid,
        as_of_date,
        max(points) filter (item = 'response_speed') as response_speed,
        max(points) filter (item = 'problem_solving') as problem_solving,
        max(points) filter (item = 'communication') as communication,
        max(points) filter (item = 'professionalism') as professionalism,
        max(points) filter (item = 'after_sales') as after_sales,
        case
            when buyer_days >= {{ var('service_score_min_buyers') }}
                then
                    sum(weight * points order by position)
                    / nullif(sum(weight order by position), 0)
        end as service_score,
        coalesce(
            string_agg(item, ',' order by position) filter (points is null), ''
        ) as items_missing,
        buyer_days
    from weighted
    group by mall_id, cs_uid, as_of_date, buyer_days

)

select * from final
