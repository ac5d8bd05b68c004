-- Each figure of the platform's report beside ours, made of parts as the seed says.
with

figures as (

    select * from {{ ref('int_official_figures') }}

),

mapping as (

    select
        * exclude (denominator),
        case
            when
                kind = 'mean_of_ms'
                and '{{ var("response_time_denominator") }}' = 'all'
                then 'assessed_messages'
            else denominator
        end as denominator
    from {{ ref('official_metric_mapping') }}
    where source = 'report'

),

parts as (

    select * from {{ ref('int_official_parts') }}

),

paired as (

    select
        figures.*,
        mapping.metric,
        mapping.kind,
        mapping.unit,
        mapping.shown_step,
        mapping.landed_from,
        mapping.waits_for,
        mapping.official_final_after_days,
        mapping.differs_for,
        mapping.difference,
        above_line.part_value as our_numerator,
        below_line.part_value as our_denominator
    from figures
    inner join mapping
        on figures.official_column = mapping.official_column
    left join parts as above_line
        on
            figures.mall_id = above_line.mall_id
            and figures.period_start = above_line.period_start
            and figures.period_end = above_line.period_end
            and figures.row_type = above_line.row_type
            and figures.cs_uid is not distinct from above_line.cs_uid
            and mapping.numerator = above_line.part
    left join parts as below_line
        on
            figures.mall_id = below_line.mall_id
            and figures.period_start = below_line.period_start
            and figures.period_end = below_line.period_end
            and figures.row_type = below_line.row_type
            and figures.cs_uid is not distinct from below_line.cs_uid
            and mapping.denominator = below_line.part

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
        official_column,
        metric,
        official_value,
        case kind
            when 'difference' then our_numerator - our_denominator
            when 'ratio' then our_numerator / nullif(our_denominator, 0)
            when 'complement' then 1 - our_numerator / nullif(our_denominator, 0)
            when 'mean_of_ms'
                then our_numerator / nullif(our_denominator * 1000, 0)
            else our_numerator
        end as our_value,
        our_numerator,
        our_denominator,
        unit,
        coalesce(printed_step, shown_step) as shown_step,
        landed_from,
        waits_for,
        official_final_after_days,
        case
            when differs_for = 'all' or differs_for = row_type
                then difference
        end as definition_differs,
        exported_at,
        is_in_newest_export
    from paired

)

select * from final
