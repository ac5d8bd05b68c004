-- What: every figure of a published table is described in dim_metrics, and
-- every metric of dim_metrics is a column of a published table.
-- When it matters: a dashboard shows a figure without unit, direction and
-- definition, or promises one that does not exist.
-- How to resolve: add the metric to seeds/metrics.csv with its docs block, or
-- name the column below if it is no figure but a key, a part or an attribute.
with

{% set marts = published_marts() %}

measures as (

    select
        column_name as metric,
        min(table_name) as found_in
    from information_schema.columns
    where
        table_schema = '{{ marts[0].schema }}'
        and table_name not like 'dim_%'
        and table_name not like 'fct_%'
        and table_name not like 'data_%'
        -- the platform's figures, which are not ours to define
        and table_name not like 'official_%'
        and data_type not in ('VARCHAR', 'DATE', 'TIMESTAMP', 'BOOLEAN')
        -- keys and attributes
        and column_name not in (
            'hour_of_day', 'days_observed', 'incomplete_days_30d', 'weight'
        )
        -- any metric's value, target and excellent mark
        and column_name not in ('metric_value', 'target', 'excellent')
    group by column_name

),

metrics as (

    select metric
    from {{ ref('dim_metrics') }}

),

columns_found as (

    select column_name as metric
    from information_schema.columns
    where table_schema = '{{ marts[0].schema }}'
    group by column_name

)

select
    measures.metric,
    measures.found_in,
    'not in dim_metrics' as problem
from measures
anti join metrics
    on measures.metric = metrics.metric

union all

select
    metrics.metric,
    cast(null as varchar) as found_in,
    'in no published table' as problem
from metrics
anti join columns_found
    on metrics.metric = columns_found.metric
