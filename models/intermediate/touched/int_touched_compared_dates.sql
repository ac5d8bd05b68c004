-- The touched dates and those a week before, which they are compared with.
with

final as (

    select as_of_date from {{ ref('int_touched_as_of_dates') }}
    union
    select as_of_date - 7 as as_of_date
    from {{ ref('int_touched_as_of_dates') }}

)

select * from final
