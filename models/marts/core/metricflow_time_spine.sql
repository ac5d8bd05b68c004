-- The semantic layer's calendar. It ends with the last complete day, so that
-- no window of 30 days reaches past it, and figures taken from the facts,
-- which hold the running day too, are cut where the daily tables are.
with

dates as (

    select * from {{ ref('dim_dates') }}

),

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

),

final as (

    select dates.date_day
    from dates
    inner join as_of_end
        on dates.date_day <= as_of_end.as_of_end

)

select * from final
