with

final as (

    select
        'report' as source,
        mall_id,
        period_start,
        period_end,
        max(loaded_at) as newest_loaded_at
    from {{ ref('stg_pdd__official_agent_kpi') }}
    group by mall_id, period_start, period_end
    union all
    select
        'score_page' as source,
        mall_id,
        as_of_date - 29 as period_start,
        as_of_date as period_end,
        max(loaded_at) as newest_loaded_at
    from {{ ref('stg_pdd__official_experience_score') }}
    group by mall_id, as_of_date

)

select * from final
