-- Each value of the platform's score page beside ours of the 30 days to its day.
with

official as (

    select * from {{ ref('int_official_scores') }}

),

mapping as (

    select * from {{ ref('official_metric_mapping') }}
    where source = 'score_page'

),

ours as (

    select * from {{ ref('int_official_own_scores') }}

),

final as (

    select
        official.mall_id,
        official.as_of_date - 29 as period_start,
        official.as_of_date as period_end,
        'mall_total' as row_type,
        mapping.official_column,
        official.item_name,
        mapping.metric,
        official.official_value,
        ours.our_value,
        ours.our_numerator,
        ours.our_denominator,
        mapping.unit,
        mapping.shown_step,
        mapping.landed_from,
        mapping.waits_for,
        mapping.official_final_after_days,
        case when mapping.differs_for = 'all' then mapping.difference end
            as definition_differs,
        official.exported_at,
        official.is_in_newest_export
    from official
    inner join mapping
        on
            official.measure = mapping.official_column
            and (
                mapping.item_name is null
                or official.item_name = mapping.item_name
            )
    left join ours
        on
            official.mall_id = ours.mall_id
            and official.as_of_date = ours.as_of_date
            and official.measure = ours.measure
            and coalesce(mapping.item, official.item_name)
            is not distinct from ours.item

)

select * from final
