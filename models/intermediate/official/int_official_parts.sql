-- What our figures over a report's period are made of: the parts that the seed
-- names, added up over its days, for the shop and each agent whose account is known.
with

periods as (

    select
        mall_id,
        period_start,
        period_end,
        'mall_total' as row_type,
        'mall' as scope,
        cast(null as varchar) as cs_uid
    from {{ ref('stg_pdd__official_agent_kpi') }}
    where row_type = 'mall_total'
    union all
    select
        mall_id,
        period_start,
        period_end,
        'agent' as row_type,
        'agent' as scope,
        cs_uid
    from {{ ref('int_official_accounts') }}
    where account_status = 'matched'

),

kpi_daily as (

    select parts_daily.*
    from {{ ref('int_kpi_daily') }} as parts_daily
    inner join {{ ref('int_as_of_end') }} as as_of_end
        on parts_daily.service_date <= as_of_end.as_of_end

),

period_days as (

    select
        periods.mall_id,
        periods.period_start,
        periods.period_end,
        periods.row_type,
        periods.cs_uid,
        kpi_daily.* exclude (
            kpi_daily.mall_id, kpi_daily.cs_uid, kpi_daily.scope,
            kpi_daily.shift_name, kpi_daily.service_date, kpi_daily.is_event
        )
    from periods
    left join kpi_daily
        on
            periods.mall_id = kpi_daily.mall_id
            and periods.scope = kpi_daily.scope
            and periods.cs_uid is not distinct from kpi_daily.cs_uid
            and kpi_daily.service_date
            between periods.period_start and periods.period_end

),

summed as (

    select
        mall_id,
        period_start,
        period_end,
        row_type,
        cs_uid,
        coalesce(
            cast(
                sum(
                    columns(
                        * exclude (
                            mall_id, period_start, period_end, row_type, cs_uid
                        )
                    )
                ) as double
            ),
            0
        )
    from period_days
    group by mall_id, period_start, period_end, row_type, cs_uid

),

long as (

    unpivot summed
    on columns(
        * exclude (mall_id, period_start, period_end, row_type, cs_uid)
    )
    into name part value part_value

),

final as (

    select
        mall_id,
        period_start,
        period_end,
        row_type,
        cs_uid,
        part,
        part_value
    from long
    where
        part in (
            select unnest([metrics.numerator, metrics.denominator])
            from {{ ref('official_metric_mapping') }} as metrics
            where metrics.source = 'report'
        )

)

select * from final
