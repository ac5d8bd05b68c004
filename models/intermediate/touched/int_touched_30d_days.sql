-- The mall-days that the touched 30-day figures are added up from.
with

touched as (

    select
        mall_id,
        as_of_date,
        unnest(range(30))::int as days_before
    from {{ ref('int_touched_as_of') }}

),

final as (

    select
        mall_id,
        as_of_date - days_before as service_date
    from touched
    group by all

)

select * from final
