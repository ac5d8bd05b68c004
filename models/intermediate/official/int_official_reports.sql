-- The platform's service performance report, with the agents whom its accounts
-- stand for. When it was exported is not in it: it was not after it was landed.
with

reports as (

    select * from {{ ref('stg_pdd__official_agent_kpi') }}

),

accounts as (

    select * from {{ ref('int_official_accounts') }}

),

final as (

    select
        reports.* exclude (loaded_at, load_date),
        accounts.cs_uid,
        accounts.account_status,
        {{ local_time_of_utc('reports.loaded_at') }} as exported_at,
        reports.loaded_at = max(reports.loaded_at) over (
            partition by reports.mall_id, reports.period_start, reports.period_end
        ) as is_in_newest_export
    from reports
    left join accounts
        on
            reports.mall_id = accounts.mall_id
            and reports.period_start = accounts.period_start
            and reports.period_end = accounts.period_end
            and reports.cs_account = accounts.cs_account

)

select * from final
