-- Dates on which some mall's figures may be other ones now, and so its place
-- among all; a week later they are compared with. A mall of another category
-- has other peers on every date.
with

touched as (

    select as_of_date from {{ ref('int_touched_as_of') }}
    union
    select as_of_date from {{ ref('int_kpi_spine') }}
    where exists (select 1 from {{ changes_of('int_mall_categories') }})

),

final as (

    select as_of_date from touched
    union
    select as_of_date + 7 as as_of_date from touched

)

select * from final
