-- What: the flags of a consulting buyer-day follow from the buyer's assessed
-- messages of that day. No tolerance.
-- When it matters: a buyer counts as answered in time although one of his
-- messages was not, or the other way round.
-- How to resolve: read the messages of the failing buyer-day in
-- fct_buyer_messages; the flags are made by the macro is_late from the parts
-- of int_response_buyer_days.
with

assessed as (

    select
        mall_id,
        buyer_key,
        service_date,
        coalesce(
            cast(round(response_seconds * 1000) as bigint), 999999999999
        ) as response_ms
    from {{ ref('fct_buyer_messages') }}
    where is_assessed

),

recounted as (

    select
        mall_id,
        buyer_key,
        service_date,
        bool_or(response_ms > 180000) as is_late_3min,
        bool_or(response_ms > 300000) as is_late_5min,
        bool_or(response_ms > 3600000) as is_ineffective
    from assessed
    group by mall_id, buyer_key, service_date

),

published as (

    select
        mall_id,
        buyer_key,
        service_date,
        is_late_3min,
        is_late_5min,
        is_ineffective
    from {{ ref('fct_consultations') }}
    where is_assessed

)

{{ rows_that_differ('recounted', 'published') }}
