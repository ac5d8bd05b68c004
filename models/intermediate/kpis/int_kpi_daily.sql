-- All families of daily parts are stacked by column name and merged by key: a
-- day on which only one family has something keeps its row, the rest being 0.
-- Families that cannot make a row of their own are no event. A paying time or a
-- refund of 1970 (a landed 0) is nobody's day: the calendar begins with the platform.
{%- set touched = {'by': 'int_touched_days', 'key': ['mall_id', 'service_date']} %}
{{ config(
    materialized='incremental',
    meta={
        'touched_by': touched.by, 'touched_key': touched.key,
        'changes': {'mall_id': 'varchar', 'service_date': 'date'},
    },
) }}

with

stacked as (

    select
        *,
        true as is_event
    from {{ only_touched(ref('int_responses_daily'), **touched) }}
    union all by name
    select
        *,
        false as is_event
    from {{ only_touched(ref('int_response_quantiles_daily'), **touched) }}
    union all by name
    select
        *,
        false as is_event
    from {{ only_touched(ref('int_agent_concurrency_daily'), **touched) }}
    union all by name
    select
        *,
        true as is_event
    from {{ only_touched(ref('int_conversions_daily'), **touched) }}
    union all by name
    select
        *,
        true as is_event
    from {{ only_touched(ref('int_sales_daily'), **touched) }}
    union all by name
    select
        *,
        true as is_event
    from {{ only_touched(ref('int_grouped_orders_daily'), **touched) }}
    union all by name
    select
        *,
        true as is_event
    from {{ only_touched(ref('int_complaints_daily'), **touched) }}
    union all by name
    select
        *,
        true as is_event
    from {{ only_touched(ref('int_ratings_daily'), **touched) }}
    union all by name
    select
        *,
        true as is_event
    from {{ only_touched(ref('int_refunds_daily'), **touched) }}
    union all by name
    select
        *,
        false as is_event
    from {{ only_touched(ref('int_refund_responses_daily'), **touched) }}
    union all by name
    select
        *,
        false as is_event
    from {{ only_touched(ref('int_quality_reviews_daily'), **touched) }}

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
