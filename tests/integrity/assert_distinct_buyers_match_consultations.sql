-- What: distinct_consult_buyers_30d, counted anew with count(distinct), each day
-- put on the 30 days it counts for: for malls from fct_consultations, for agents
-- from the messages that they wrote or are responsible for. No tolerance. On the
-- newest as-of dates, and in turn on the older ones (recounted_dates).
-- When it matters: the count from change points drifts from the truth, and
-- never comes back, because it is a running sum.
-- How to resolve: take the first as-of date that fails; int_distinct_visits
-- has a wrong +1 or -1 on that date for one of the buyers seen then or 30 days
-- before.
with

dates as (

    {{ recounted_dates() }}

),

seen as (

    select
        'mall' as scope,
        mall_id,
        cast(null as varchar) as cs_uid,
        buyer_key,
        service_date
    from {{ ref('fct_consultations') }}

    union all

    select
        'agent' as scope,
        mall_id,
        cs_uid,
        buyer_uid as buyer_key,
        service_date
    from {{ ref('int_messages_assessed') }}
    where cs_uid is not null
    group by all

),

counted_on as (

    select
        * exclude (service_date),
        service_date + cast(unnest(range(30)) as integer) as as_of_date
    from seen

),

seen_within_30_days as (

    select * from counted_on
    where as_of_date in (select dates.as_of_date from dates)

),

published as (

    select
        'mall' as scope,
        mall_id,
        cast(null as varchar) as cs_uid,
        as_of_date,
        distinct_consult_buyers_30d
    from {{ ref('mall_kpi_30d') }}
    where as_of_date in (select dates.as_of_date from dates)

    union all

    select
        'agent' as scope,
        mall_id,
        cs_uid,
        as_of_date,
        distinct_consult_buyers_30d
    from {{ ref('agent_kpi_30d') }}
    where as_of_date in (select dates.as_of_date from dates)

),

recounted as (

    select
        published.scope,
        published.mall_id,
        published.cs_uid,
        published.as_of_date,
        count(distinct seen.buyer_key) as distinct_consult_buyers_30d
    from published
    left join seen_within_30_days as seen
        on
            published.scope = seen.scope
            and published.mall_id = seen.mall_id
            and published.cs_uid is not distinct from seen.cs_uid
            and published.as_of_date = seen.as_of_date
    group by
        published.scope,
        published.mall_id,
        published.cs_uid,
        published.as_of_date

)

{{ rows_that_differ('recounted', 'published') }}
