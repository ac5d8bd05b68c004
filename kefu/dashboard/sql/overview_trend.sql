-- Help rates of the malls of a category day by day: their parts added up.
with

days as (

    select unnest(generate_series($as_of::date - 59, $as_of::date, interval 1 day))
        ::date as as_of_date

),

help as (

    select
        as_of_date,
        sum(grouped_orders_30d)::bigint as grouped_orders_30d,
        sum(help_orders_30d)::bigint as help_orders_30d,
        sum(platform_help_orders_30d)::bigint as platform_help_orders_30d
    from help_seeking_rate_30d
    inner join dim_malls using (mall_id)
    where
        module = 'all'
        and ($category is null or category_name = $category)
    group by as_of_date

)

select
    as_of_date,
    grouped_orders_30d,
    help_orders_30d,
    platform_help_orders_30d,
    help_orders_30d / nullif(grouped_orders_30d, 0) as help_seeking_rate,
    platform_help_orders_30d / nullif(grouped_orders_30d, 0)
        as platform_help_rate
from days
left join help using (as_of_date)
order by as_of_date
