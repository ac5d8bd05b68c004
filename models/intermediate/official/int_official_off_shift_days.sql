-- Days on which somebody wrote from an agent's account while the roster had a
-- shift for others of the shop and none for him: was it he? A shift without a name
-- is one here, so that the pieces of shifts that figures join to do not serve.
with

shift_days as (

    select
        mall_id,
        cs_uid,
        cast(
            unnest(
                generate_series(
                    cast(start_at as date),
                    cast(end_at - interval 1 millisecond as date),
                    interval 1 day
                )
            ) as date
        ) as service_date
    from {{ ref('stg_pdd__agent_shifts') }}

),

own_shifts as (

    select
        mall_id,
        cs_uid,
        service_date
    from shift_days
    group by mall_id, cs_uid, service_date

),

mall_shifts as (

    select
        mall_id,
        service_date
    from shift_days
    group by mall_id, service_date

),

final as (

    select
        agent_accounts.mall_id,
        agent_accounts.period_start,
        agent_accounts.period_end,
        agent_accounts.cs_uid,
        count(*) as off_shift_days
    from {{ ref('int_official_accounts') }} as agent_accounts
    inner join {{ ref('int_kpi_daily') }} as kpi_daily
        on
            agent_accounts.mall_id = kpi_daily.mall_id
            and agent_accounts.cs_uid = kpi_daily.cs_uid
            and kpi_daily.service_date
            between agent_accounts.period_start and agent_accounts.period_end
            and kpi_daily.scope = 'agent'
            and kpi_daily.agent_messages > 0
    inner join mall_shifts
        on
            kpi_daily.mall_id = mall_shifts.mall_id
            and kpi_daily.service_date = mall_shifts.service_date
    left join own_shifts
        on
            kpi_daily.mall_id = own_shifts.mall_id
            and kpi_daily.cs_uid = own_shifts.cs_uid
            and kpi_daily.service_date = own_shifts.service_date
    where own_shifts.cs_uid is null
    group by all

)

select * from final
