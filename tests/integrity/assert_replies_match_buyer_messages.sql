-- What: the reply figures of a day, counted anew from fct_buyer_messages, are
-- those of mall_kpi_daily, agent_kpi_daily and agent_kpi_shift_daily. No
-- tolerance: milliseconds are whole numbers, so both routes divide the same.
-- When it matters: a message is counted twice or not at all, is credited to
-- another agent or shift in one of the tables, or a mean is one of means.
-- How to resolve: found_only_in tells which route has the failing row; take
-- its messages from fct_buyer_messages and look in int_messages_assessed and
-- int_response_buyer_days for the message that one of them leaves out.
{% set averaged = 'assessed_messages'
    if var('response_time_denominator') == 'all' else 'answered_messages' %}

with

assessed as (

    select
        *,
        cast(round(response_seconds * 1000) as bigint) as response_ms
    from {{ ref('fct_buyer_messages') }}
    where
        is_assessed
        and service_date <= (
            select end_row.as_of_end
            from {{ ref('int_as_of_end') }} as end_row
        )

),

added_up as (

    select
        case grouping(responsible_cs_uid, shift_name)
            when 3 then 'mall' when 1 then 'agent' else 'shift'
        end as scope,
        mall_id,
        responsible_cs_uid as cs_uid,
        service_date,
        shift_name,
        count(*) as assessed_messages,
        count(*) filter (response_ms <= 30000) as messages_replied_30s,
        count(response_ms) as answered_messages,
        count(*) filter (replied_at is null) as unanswered_messages,
        coalesce(sum(response_ms), 0) as response_ms,
        quantile_cont(response_ms, 0.5) / 1000.0 as median_response_seconds,
        quantile_cont(response_ms, 0.9) / 1000.0 as p90_response_seconds
    from assessed
    group by
        mall_id, service_date, rollup(responsible_cs_uid, shift_name)

),

recounted as (

    select
        scope,
        mall_id,
        cs_uid,
        service_date,
        shift_name,
        assessed_messages,
        messages_replied_30s,
        messages_replied_30s / assessed_messages as reply_rate_30s,
        answered_messages,
        unanswered_messages,
        response_ms / nullif({{ averaged }} * 1000, 0)
            as avg_response_seconds,
        median_response_seconds,
        p90_response_seconds
    from added_up
    where scope = 'mall' or cs_uid is not null

),

published as (

    {% for scope, table, agent, shift in [
        ('mall', 'mall_kpi_daily', 'null', 'null'),
        ('agent', 'agent_kpi_daily', 'cs_uid', 'null'),
        ('shift', 'agent_kpi_shift_daily', 'cs_uid', 'shift_name'),
    ] %}
        select
            '{{ scope }}' as scope,
            mall_id,
            cast({{ agent }} as varchar) as cs_uid,
            service_date,
            cast({{ shift }} as varchar) as shift_name,
            assessed_messages,
            messages_replied_30s,
            reply_rate_30s,
            answered_messages,
            unanswered_messages,
            avg_response_seconds,
            median_response_seconds,
            p90_response_seconds
        from {{ ref(table) }}
        where assessed_messages > 0
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

{{ rows_that_differ('recounted', 'published') }}
