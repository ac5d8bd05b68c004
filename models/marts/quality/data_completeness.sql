with

final as (

    select
        mall_id,
        source,
        date_day,
        rows,
        cast(expected_rows as bigint) as expected_rows,
        cast(usual_gap_days as bigint) as usual_gap_days,
        days_silent,
        status
    from {{ ref('int_data_completeness') }}

)

select * from final
