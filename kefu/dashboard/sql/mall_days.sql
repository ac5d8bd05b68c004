-- A mall's figures of 30 days on two days: the one looked at, and 7 before.
select
    mall_kpi_30d.*,
    help.grouped_orders_30d,
    help.help_orders_30d,
    help.platform_help_orders_30d,
    help.help_seeking_rate,
    help.platform_help_rate
from mall_kpi_30d
left join help_seeking_rate_30d as help
    on
        mall_kpi_30d.mall_id = help.mall_id
        and mall_kpi_30d.as_of_date = help.as_of_date
        and help.module = 'all'
where
    mall_kpi_30d.mall_id = $mall_id
    and mall_kpi_30d.as_of_date in ($as_of::date, $as_of::date - 7)
order by mall_kpi_30d.as_of_date
