-- What: median and 90th percentile of mall_kpi_30d and agent_kpi_30d, taken
-- anew over the messages of fct_buyer_messages, on every seventh as-of date
-- (all messages on all their dates would take longer than the build): of the
-- newest, and in turn of the older ones (recounted_dates).
-- Interpolated in whole numbers, so without any tolerance.
-- When it matters: a quantile is made of daily quantiles, or of messages that
-- are not assessed.
-- How to resolve: list the assessed, answered messages of the failing mall or
-- agent in the 30 days; int_response_quantiles_30d must have the same.
with

dates as (

    {{ recounted_dates(every=7) }}

),

answered as (

    select
        messages.mall_id,
        messages.responsible_cs_uid as cs_uid,
        dates.as_of_date,
        cast(round(messages.response_seconds * 1000) as bigint) as response_ms
    from {{ ref('fct_buyer_messages') }} as messages
    inner join dates
        on
            messages.service_date
            between dates.as_of_date - 29 and dates.as_of_date
    where messages.is_assessed and messages.response_seconds is not null

),

published as (

    select
        'mall' as scope,
        mall_id,
        cast(null as varchar) as cs_uid,
        as_of_date,
        median_response_seconds,
        p90_response_seconds
    from {{ ref('mall_kpi_30d') }}
    where as_of_date in (select dates.as_of_date from dates)

    union all

    select
        'agent' as scope,
        mall_id,
        cs_uid,
        as_of_date,
        median_response_seconds,
        p90_response_seconds
    from {{ ref('agent_kpi_30d') }}
    where as_of_date in (select dates.as_of_date from dates)

),

gathered as (

    select
        published.scope,
        published.mall_id,
        published.cs_uid,
        published.as_of_date,
        (count(answered.response_ms) - 1) * 5 as median_tenths,
        (count(answered.response_ms) - 1) * 9 as p90_tenths,
        list(answered.response_ms order by answered.response_ms) filter (
            where answered.response_ms is not null
        ) as sorted
    from published
    left join answered
        on
            published.mall_id = answered.mall_id
            and (
                published.scope = 'mall'
                or published.cs_uid = answered.cs_uid
            )
            and published.as_of_date = answered.as_of_date
    group by
        published.scope,
        published.mall_id,
        published.cs_uid,
        published.as_of_date

),

recounted as (

    select
        scope,
        mall_id,
        cs_uid,
        as_of_date,
        (
            sorted[median_tenths // 10 + 1] * (10 - median_tenths % 10)
            + sorted[(median_tenths + 9) // 10 + 1] * (median_tenths % 10)
        ) / cast(10 as double) / 1000.0 as median_response_seconds,
        (
            sorted[p90_tenths // 10 + 1] * (10 - p90_tenths % 10)
            + sorted[(p90_tenths + 9) // 10 + 1] * (p90_tenths % 10)
        ) / cast(10 as double) / 1000.0 as p90_response_seconds
    from gathered

)

{{ rows_that_differ('recounted', 'published') }}
