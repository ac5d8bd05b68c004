-- Question: what became better and what worse, this period against the one
-- before, for each mall and each agent?
--
-- How to read: one row a mall (scope `mall`) or agent (scope `agent`) and
-- metric. `now` are the last 7 days to the as-of end, `before` the 7 days before
-- those. Numerator and denominator stand beside each rate and mean, which is made
-- anew from these sums; a count or sum is its own numerator and has no denominator
-- (a complement rate, such as reply_rate_3min, is 1 - numerator / denominator;
-- the numerator of a mean is the sum of what is averaged). Quantiles, maxima and
-- distinct counts do not add up over days and are left out, as is a mean with
-- nothing to average. is_final false: conversions of the newest days may still
-- come in.
--
-- How to run: kefu dbt show -s period_over_period --limit 20000
-- over 30 days: kefu dbt show -s period_over_period --vars 'period_days: 30'
-- dbt compile -s period_over_period writes the SQL to target/compiled.
{%- set period_days = var('period_days', 7) %}
{%- set averaged = 'assessed_messages'
    if var('response_time_denominator') == 'all' else 'answered_messages' %}
with

definitions as (

    select
        scopes.scope,
        metrics.metric,
        metrics.kind,
        metrics.section,
        coalesce(
            case when scopes.scope = 'agent' then metrics.agent_numerator end,
            metrics.numerator,
            metrics.metric
        ) as numerator_name,
        coalesce(
            case when scopes.scope = 'agent' then metrics.agent_denominator end,
            replace(metrics.denominator, 'answered_messages', '{{ averaged }}')
        ) as denominator_name
    from {{ ref('metrics') }} as metrics
    cross join (values ('mall'), ('agent')) as scopes (scope)
    where
        metrics.kind in ('count', 'sum', 'mean')
        or metrics.numerator in (
            select additive.metric from {{ ref('metrics') }} as additive
            where additive.kind in ('count', 'sum')
        )

),

days as (

    {{ kpi_days() }}

),

as_of_end as (

    select max(as_of_date) as last_day from {{ ref('mall_kpi_30d') }}

),

day_figures as (

    select
        *,
        to_json(days) as figures
    from days

),

measured as (

    -- A mean is published without the sum behind it: mean times denominator.
    select
        day_figures.scope,
        day_figures.mall_id,
        day_figures.cs_uid,
        as_of_end.last_day - day_figures.service_date < {{ period_days }} as is_now,
        definitions.metric,
        definitions.kind,
        definitions.section != 'pre_sale'
        or coalesce(day_figures.is_conversion_final, true) as is_final,
        cast(day_figures.figures ->> definitions.denominator_name as double)
            as denominator,
        cast(day_figures.figures ->> definitions.numerator_name as double)
        * case when definitions.kind = 'mean' then denominator else 1 end
            as numerator
    from day_figures
    inner join as_of_end
        on
            day_figures.service_date <= as_of_end.last_day
            and as_of_end.last_day - day_figures.service_date
            < 2 * {{ period_days }}
    inner join definitions
        on day_figures.scope = definitions.scope

),

added_up as (

    select
        scope,
        mall_id,
        cs_uid,
        metric,
        kind,
        bool_and(is_final) as is_final,
        coalesce(sum(numerator) filter (is_now), 0) as numerator_now,
        sum(denominator) filter (is_now) as denominator_now,
        coalesce(sum(numerator) filter (not is_now), 0) as numerator_before,
        sum(denominator) filter (not is_now) as denominator_before
    from measured
    group by all
    having
        count(numerator) > 0
        and (kind in ('count', 'sum') or count(denominator) > 0)

),

final as (

    select
        *,
        {{ figure_of_kind('kind', 'numerator_now', 'denominator_now') }}
            as value_now,
        {{ figure_of_kind('kind', 'numerator_before', 'denominator_before') }}
            as value_before,
        value_now - value_before as difference,
        difference / nullif(value_before, 0) as relative_difference
    from added_up
    order by mall_id asc, scope desc, cs_uid asc, metric asc

)

select * from final
