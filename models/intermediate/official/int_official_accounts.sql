-- Whose account it is: the agent of the roster who is called so, by number or name,
-- with or without the shop's name before a colon (店铺:小王). No guessing. Of two
-- accounts of one agent in two exports of a period that of the newer one is his.
with

reports as (

    select
        mall_id,
        period_start,
        period_end,
        cs_account,
        loaded_at
    from {{ ref('stg_pdd__official_agent_kpi') }}
    where row_type = 'agent'

),

names as (

    select
        mall_id,
        cs_uid,
        unnest([cs_uid, cs_name]) as spelling,
        valid_from,
        valid_to
    from {{ ref('stg_pdd__agents') }}

),

spellings as (

    select
        *,
        cs_account as spelling
    from reports
    union
    select
        *,
        trim(regexp_replace(cs_account, '^.*[:：]', '')) as spelling
    from reports

),

candidates as (

    select
        spellings.mall_id,
        spellings.period_start,
        spellings.period_end,
        spellings.cs_account,
        names.cs_uid,
        bool_or(
            coalesce(names.valid_from <= spellings.period_end, true)
            and coalesce(names.valid_to >= spellings.period_start, true)
        ) as is_rostered
    from spellings
    inner join names
        on
            spellings.mall_id = names.mall_id
            and spellings.spelling = names.spelling
    group by all

),

counted as (

    select
        mall_id,
        period_start,
        period_end,
        cs_account,
        count(*) filter (is_rostered) as agents_rostered,
        case when agents_rostered = 1 then min(cs_uid) filter (is_rostered) end
            as only_cs_uid
    from candidates
    group by mall_id, period_start, period_end, cs_account

),

final as (

    select
        reports.mall_id,
        reports.period_start,
        reports.period_end,
        reports.cs_account,
        case
            when counted.cs_account is null then 'unknown'
            when counted.agents_rostered = 0 then 'off_roster'
            when counted.agents_rostered > 1 then 'ambiguous'
            when rank() over agent_accounts > 1 then 'older_export'
            when count(*) over agent_accounts > 1 then 'ambiguous'
            else 'matched'
        end as account_status,
        case when account_status = 'matched' then counted.only_cs_uid end as cs_uid
    from reports
    left join counted
        on
            reports.mall_id = counted.mall_id
            and reports.period_start = counted.period_start
            and reports.period_end = counted.period_end
            and reports.cs_account = counted.cs_account
    window agent_accounts as (
        partition by
            reports.mall_id, reports.period_start, reports.period_end,
            counted.only_cs_uid
        order by reports.loaded_at desc
    )

)

select * from final
