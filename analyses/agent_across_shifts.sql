-- Question: how does one agent do in each shift, next to the colleagues who
-- work the same shift of the same mall?
--
-- How to read: two rows a shift, `agent` and `colleagues` (the mall's other
-- agents in that shift, taken together; no row when there were none). Rates and
-- means are made anew from the sums of the period. Medians and p90 are taken
-- over the messages behind them, never averaged from daily medians. Buyers are
-- buyer-days, one for each agent who had the buyer.
--
-- How to run: kefu dbt show -s agent_across_shifts --limit 50 --vars
-- '{mall_id: "1", cs_uid: "2", date_from: 2026-10-01, date_to: 2026-10-31}'
-- Without an agent: the one who wrote most in the period (ties by id); without
-- dates: the 30 days to the as-of end.
-- dbt compile -s agent_across_shifts writes the SQL to target/compiled.
{%- set mall_id = var('mall_id', none) %}
{%- set cs_uid = var('cs_uid', none) %}
with

period as (

    {{ asked_period(29) }}

),

shift_days as (

    select kpis.*
    from {{ ref('agent_kpi_shift_daily') }} as kpis
    inner join period
        on kpis.service_date between period.date_from and period.date_to

),

responses as (

    select messages.*
    from {{ ref('fct_buyer_messages') }} as messages
    inner join period
        on messages.service_date between period.date_from and period.date_to
    where messages.is_assessed and messages.response_seconds is not null

),

chosen as (

    select
        mall_id,
        cs_uid
    from shift_days
    where
        {{ 'true' if mall_id is none else "mall_id = '" ~ mall_id ~ "'" }}
        and {{ 'true' if cs_uid is none else "cs_uid = '" ~ cs_uid ~ "'" }}
    group by mall_id, cs_uid
    order by sum(agent_messages) desc, mall_id asc, cs_uid asc
    limit 1

),

added_up as (

    select
        shift_days.mall_id,
        shift_days.shift_name,
        shift_days.cs_uid = chosen.cs_uid as is_agent,
        chosen.cs_uid,
        count(distinct shift_days.cs_uid) as agents,
        count(distinct shift_days.service_date) as days_worked,
        cast(
            sum(columns('_buyers$|_messages$|_replied_|^late_|first_responses'))
            as bigint
        ),
        cast(
            sum(
                round(
                    shift_days.first_response_seconds
                    * shift_days.first_responses * 1000
                )
            ) as bigint
        ) as first_response_ms
    from shift_days
    inner join chosen
        on shift_days.mall_id = chosen.mall_id
    group by shift_days.mall_id, shift_days.shift_name, is_agent, chosen.cs_uid

),

timed as (

    select
        responses.shift_name,
        responses.responsible_cs_uid = chosen.cs_uid as is_agent,
        cast(sum(round(responses.response_seconds * 1000)) as bigint)
            as response_ms,
        1000 * quantile_cont(responses.response_seconds, 0.5)
            as median_response_ms,
        1000 * quantile_cont(responses.response_seconds, 0.9)
            as p90_response_ms
    from responses
    inner join chosen
        on responses.mall_id = chosen.mall_id
    group by responses.shift_name, is_agent

),

final as (

    select
        added_up.mall_id,
        added_up.cs_uid,
        added_up.shift_name,
        case when added_up.is_agent then 'agent' else 'colleagues' end as who,
        added_up.agents,
        added_up.days_worked,
        {{ response_kpis() }}
    from added_up
    left join timed
        on
            added_up.shift_name = timed.shift_name
            and added_up.is_agent = timed.is_agent
    order by added_up.shift_name, who

)

select * from final
