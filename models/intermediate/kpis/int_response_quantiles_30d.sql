-- Quantiles over 30 days need every message of the 30 days: here a join over
-- two narrow columns is cheaper than a window.
with

spine as (

    select
        scope,
        mall_id,
        cs_uid,
        as_of_date
    from {{ ref('int_kpi_spine') }}

),

messages as (

    select
        mall_id,
        cs_uid,
        service_date,
        response_ms
    from {{ ref('int_messages_assessed') }}
    where is_assessed and response_ms is not null

),

final as (

    select
        spine.scope,
        spine.mall_id,
        spine.cs_uid,
        spine.as_of_date,
        quantile_cont(messages.response_ms, 0.5) as median_response_ms,
        quantile_cont(messages.response_ms, 0.9) as p90_response_ms
    from spine
    inner join messages
        on
            spine.mall_id = messages.mall_id
            and messages.service_date
            between spine.as_of_date - 29 and spine.as_of_date
            and (spine.scope = 'mall' or spine.cs_uid = messages.cs_uid)
    group by spine.scope, spine.mall_id, spine.cs_uid, spine.as_of_date

)

select * from final
