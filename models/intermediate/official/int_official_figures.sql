-- The figures of the platform's report, one row each. How finely a duration is
-- shown only its printed text tells: 9秒 to the second, 0.37 分钟 to 0.6 s.
with

reports as (

    select * from {{ ref('int_official_reports') }}
    where row_type in ('mall_total', 'agent')

),

numbers as (

    select
        mall_id,
        period_start,
        period_end,
        row_type,
        cs_account,
        cs_uid,
        account_status,
        exported_at,
        is_in_newest_export,
        case
            when avg_response_printed like '%秒%' then 1
            when avg_response_printed like '%分%' then 60
            when avg_response_printed like '%时%' then 3600
        end / pow(
            10, length(regexp_extract(avg_response_printed, '\.([0-9]+)', 1))
        ) as printed_step,
        cast(
            columns(
                * exclude (
                    mall_id, period_start, period_end, row_type, cs_account,
                    cs_uid, account_status, exported_at, is_in_newest_export,
                    avg_response_printed
                )
            ) as double
        )
    from reports

),

long as (

    unpivot numbers
    on columns(
        * exclude (
            mall_id, period_start, period_end, row_type, cs_account, cs_uid,
            account_status, exported_at, is_in_newest_export, printed_step
        )
    )
    into name official_column value official_value

),

final as (

    select
        mall_id,
        period_start,
        period_end,
        row_type,
        cs_account,
        cs_uid,
        account_status,
        exported_at,
        is_in_newest_export,
        official_column,
        official_value,
        case when official_column = 'avg_response_seconds' then printed_step end
            as printed_step
    from long

)

select * from final
