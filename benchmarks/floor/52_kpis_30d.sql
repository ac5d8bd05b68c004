create or replace temp view kpis_30d as
select
    sums_30d.*,
    mall_names.mall_id,
    cs_names.cs_uid,
    cast(
        least(
            30,
            sums_30d.as_of_date - (select min(first_day_of_all) from mall_spans) + 1
        ) as bigint
    ) as days_observed,
    quantiles_30d.quantiles[1] as median_response_ms,
    quantiles_30d.quantiles[2] as p90_response_ms,
    distinct_30d.distinct_consult_buyers_30d
from sums_30d
inner join mall_names on sums_30d.mall = mall_names.mall
left join cs_names on sums_30d.cs = cs_names.cs
left join quantiles_30d
    on
        sums_30d.scope = quantiles_30d.scope
        and sums_30d.mall = quantiles_30d.mall
        and sums_30d.cs is not distinct from quantiles_30d.cs
        and sums_30d.as_of_date = quantiles_30d.as_of_date
left join distinct_30d
    on
        sums_30d.scope = distinct_30d.scope
        and sums_30d.mall = distinct_30d.mall
        and sums_30d.cs is not distinct from distinct_30d.cs
        and sums_30d.as_of_date = distinct_30d.as_of_date;

create or replace table marts.agent_kpi_30d as
with figures as (
    select
        mall_id,
        cs_uid,
        as_of_date,
        days_observed,
        distinct_consult_buyers_30d,
        max_concurrent_buyers,
        $response_kpis
    from kpis_30d
    where scope = 'agent'
)
select * from figures;

create or replace table marts.mall_kpi_30d as
with robots as (
    select
        buyer_keys.mall_id,
        days.day,
        count(*) as robot_only_buyers
    from robot_only_days as days
    inner join buyer_keys using (conversation)
    group by all
)
select
    kpis_30d.mall_id,
    kpis_30d.as_of_date,
    kpis_30d.days_observed,
    kpis_30d.distinct_consult_buyers_30d,
    $response_kpis,
    cast(coalesce(sum(robots.robot_only_buyers), 0) as bigint) as robot_only_buyers
from kpis_30d
left join robots
    on
        kpis_30d.mall_id = robots.mall_id
        and robots.day between kpis_30d.as_of_date - 29 and kpis_30d.as_of_date
where kpis_30d.scope = 'mall'
group by all;
