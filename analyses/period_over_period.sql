-- Question: what became better and what worse, this period against the one
-- before, for each mall and each agent?
--
-- How to read: one row a mall (scope `mall`) or agent (scope `agent`) and
-- metric. `now` are the last 7 days to the as-of end, `before` the 7 days before
-- those. Of a count or sum only the value is filled; of a rate or mean numerator
-- and denominator stand beside it, and the value is made anew from these sums
-- (a complement rate, such as reply_rate_3min, is 1 - numerator / denominator;
-- the numerator of a mean is the sum of what is averaged). Quantiles, maxima and
-- distinct counts do not add up over days and are left out, as is a mean with
-- nothing to average. is_final false: conversions of the newest days may still
-- come in.
--
-- How to run: dbt show -s period_over_period --limit 20000
-- over 30 days: dbt show -s period_over_period --vars 'period_days: 30'
-- dbt compile -s period_over_period writes the SQL to target/compiled.
{%- set period_days = var('period_days', 7) %}
{%- set keys = 'scope, mall_id, cs_uid, is_before, is_conversion_final, service_date' %}
with

metrics as (

    select * from {{ ref('metrics') }}

),

additive as (

    select metric from metrics
    where kind in ('count', 'sum')

),

definitions as (

    -- A mean is published without the sum behind it: mean times denominator.
    -- With response_time_denominator = all, response times are averaged over the
    -- assessed messages instead of the answered ones.
    select
        scopes.scope,
        metrics.metric,
        metrics.kind,
        metrics.section,
        case scopes.scope
            when 'agent' then coalesce(agent_numerator, numerator, metric)
            else coalesce(numerator, metric)
        end as numerator,
        {% if var('response_time_denominator') == 'all' -%}
            replace(
                case scopes.scope
                    when 'agent' then coalesce(agent_denominator, denominator)
                    else denominator
                end,
                'answered_messages',
                'assessed_messages'
            ) as denominator
        {%- else -%}
            case scopes.scope
                when 'agent' then coalesce(agent_denominator, denominator)
                else denominator
            end as denominator
        {%- endif %}
    from metrics
    cross join (values ('mall'), ('agent')) as scopes (scope)
    where metrics.kind in ('count', 'sum') or metrics.denominator in (from additive)
),

final as (select * from definitions)
select * from final
