-- All families of daily parts are stacked by column name and merged by key: a
-- day on which only one family has something keeps its row, the rest being 0.
-- Families that cannot make a row of their own are no event. A paying time or a
-- refund of 1970 (a landed 0) is nobody's day: the calendar begins with the platform.
with

stacked as (

    select
        *,
        true as is_event
    from {{ ref('int_responses_daily') }}
    union all by name
    select
        *,
        false as is_event
    from {{ ref('int_response_quantiles_daily') }}
    union all by name
    select
        *,
        false as is_event
    from {{ ref('int_agent_concurrency_daily') }}
    union all by name
    select
        *,
        true as is_event
    from {{ ref('int_conversions_daily') }}
    union all by name
    select
        *,
        true as is_event
    from {{ ref('int_sales_daily') }}
    union all by name
    select
        *,
        true as is_event
    from {{ ref('int_grouped_orders_daily') }}
    union all by name
    select
        *,
        true as is_event
    from {{ ref('int_complaints_daily') }}
    union all by name
    select
        *,
        true as is_event
    from {{ ref('int_ratings_daily') }}
    union all by name
    select
        *,
        true as is_event
    from {{ ref('int_refunds_daily') }}
    union all by name
    select
        *,
        false as is_event
    from {{ ref('int_refund_responses_daily') }}
    union all by name
    select
        *,
        false as is_event
    from {{ ref('int_quality_reviews_daily') }}

),

final as (

    select
        scope,
        mall_id,
        cs_uid,
        shift_name,
        service_date,
        bool_or(is_event) as is_event,
        max(median_response_ms) as median_response_ms,
        max(p90_response_ms) as p90_response_ms,
        max(max_concurrent_buyers) as max_concurrent_buyers,
        cast(
            coalesce(sum(columns('_amount$')), 0) as decimal(18, 2)
        ),
        cast(
            coalesce(
                sum(
                    columns(
                        * exclude (
                            scope, mall_id, cs_uid, shift_name, service_date,
                            is_event, median_response_ms, p90_response_ms,
                            max_concurrent_buyers, sales_amount,
                            net_sales_amount, paid_grouped_amount,
                            attributed_grouped_amount
                        )
                    )
                ),
                0
            ) as bigint
        )
    from stacked
    where service_date >= date '2015-09-01'
    group by scope, mall_id, cs_uid, shift_name, service_date

)

select * from final
