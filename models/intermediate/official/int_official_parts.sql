-- What our figures over a report's period are made of: the parts of its days
-- added up, for the shop and for each agent whose account is known.
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
            kpi_daily.shift_name, kpi_daily.service_date
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
                        '^(consult_buyers|received_buyers|assessed_.*'
                        || '|late_buyers_.*|messages_replied_30s.*|response_ms'
                        || '|answered_messages|inquiry_buyers'
                        || '|converted_inquiry_buyers|final_group_buyers'
                        || '|sales_amount|net_sales_amount|rating_count'
                        || '|low_rating_count|dispute_refund_orders'
                        || '|complaint_buyers)$'
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

)

select * from final
