{{
    config(
        materialized='incremental',
        meta={
            'changes': {'mall_id': 'varchar', 'as_of_date': 'date'},
        },
    )
}}

with

spine as (

    select
        mall_id,
        as_of_date,
        true as is_as_of_date
    from {{ ref('int_kpi_spine') }}
    group by mall_id, as_of_date

),

incomplete_days as (

    -- Help-seeking and the score rest on all but ratings, replies on messages.
    select
        mall_id,
        date_day as as_of_date,
        1 as of_any,
        max(case when source != 'ratings' then 1 end) as of_help,
        max(case when source = 'messages' then 1 end) as of_messages
    from {{ ref('int_data_completeness') }}
    where status in ('low', 'missing')
    group by mall_id, date_day

),

days as (

    select * from spine
    union all by name
    select * from incomplete_days

),

final as (

    select
        mall_id,
        as_of_date,
        cast(coalesce(sum(of_any) over thirty_days, 0) as bigint)
            as incomplete_kpi_days_30d,
        cast(coalesce(sum(of_help) over thirty_days, 0) as bigint)
            as incomplete_help_days_30d,
        cast(coalesce(sum(of_messages) over thirty_days, 0) as bigint)
            as incomplete_message_days_30d
    from days
    window
        thirty_days as (
            partition by mall_id
            order by as_of_date
            range between interval 29 days preceding and current row
        )
    qualify is_as_of_date

)

select * from final
