with

pairs as (

    select
        'report' as source,
        *
    from {{ ref('int_official_reports_compared') }}
    union all by name
    select
        'score_page' as source,
        *
    from {{ ref('int_official_scores_compared') }}

),

lateness as (

    select
        pairs.source,
        pairs.mall_id,
        pairs.period_start,
        pairs.period_end,
        pairs.landed_from,
        sum(late_rows.rows_landed_later) as rows_landed_later,
        sum(late_rows.incomplete_days) as incomplete_days
    from (
        select
            source,
            mall_id,
            period_start,
            period_end,
            landed_from
        from pairs
        group by all
    ) as pairs
    inner join {{ ref('int_official_late_rows') }} as late_rows
        on
            pairs.source = late_rows.source
            and pairs.mall_id = late_rows.mall_id
            and pairs.period_start = late_rows.period_start
            and pairs.period_end = late_rows.period_end
            and list_contains(
                string_split(pairs.landed_from, ' '), late_rows.landed_from
            )
    group by all

),

final as (

    select
        pairs.source,
        pairs.mall_id,
        pairs.period_start,
        pairs.period_end,
        pairs.row_type,
        pairs.cs_account,
        pairs.cs_uid,
        pairs.account_status,
        pairs.official_column,
        pairs.item_name,
        pairs.metric,
        pairs.official_value,
        pairs.our_value,
        pairs.our_numerator,
        pairs.our_denominator,
        pairs.unit,
        pairs.shown_step,
        pairs.landed_from,
        pairs.waits_for,
        pairs.official_final_after_days,
        pairs.definition_differs,
        pairs.exported_at,
        pairs.is_in_newest_export,
        as_of_end.as_of_end,
        coalesce(
            case pairs.waits_for
                when 'response'
                    then {{ is_response_final(
                        'as_of_end.as_of_end', 'pairs.period_end'
                    ) }}
                when 'conversion'
                    then {{ is_conversion_final(
                        'as_of_end.as_of_end', 'pairs.period_end'
                    ) }}
                when 'net_sales'
                    then {{ is_conversion_final(
                        'as_of_end.as_of_end', 'pairs.period_end + 3'
                    ) }}
                else as_of_end.as_of_end >= pairs.period_end
            end,
            false
        ) as is_our_value_final,
        cast(pairs.exported_at as date)
        >= pairs.period_end + pairs.official_final_after_days
            as is_official_value_final,
        cast(coalesce(lateness.rows_landed_later, 0) as bigint)
            as rows_landed_later,
        cast(coalesce(lateness.incomplete_days, 0) as bigint) as incomplete_days,
        coalesce(off_shift_days.off_shift_days, 0) as off_shift_days
    from pairs
    cross join {{ ref('int_as_of_end') }} as as_of_end
    left join lateness
        on
            pairs.source = lateness.source
            and pairs.mall_id = lateness.mall_id
            and pairs.period_start = lateness.period_start
            and pairs.period_end = lateness.period_end
            and pairs.landed_from = lateness.landed_from
    left join {{ ref('int_official_off_shift_days') }} as off_shift_days
        on
            pairs.mall_id = off_shift_days.mall_id
            and pairs.cs_uid = off_shift_days.cs_uid
            and pairs.period_start = off_shift_days.period_start
            and pairs.period_end = off_shift_days.period_end

)

select * from final
