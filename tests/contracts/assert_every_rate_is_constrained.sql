-- What: each column whose metric is a rate or a percentile bears a check
-- constraint that keeps it within 0 and 1, each score one that keeps it
-- within its scale, and the table obeys it (the engine refuses rows that do
-- not).
-- When it matters: a rate of 1.2 or of 97 is published, and nobody notices.
-- How to resolve: add the check to the column in the mart's YAML. If the
-- build then fails, the model is wrong, not the check.
with

{% set marts = published_marts() %}

bounded_columns as (

    select
        published.table_name,
        published.column_name,
        case
            when metrics.unit in ('rate', 'percentile') then 1
            when metrics.metric in ('experience_score', 'module_score') then 5
            when metrics.unit = 'points' and metrics.metric != 'avg_rating'
                then 10
            when metrics.metric = 'avg_rating' then 5
        end as upper_bound
    from information_schema.columns as published
    inner join {{ ref('dim_metrics') }} as metrics
        on published.column_name = metrics.metric
    where
        published.table_schema = '{{ marts[0].schema }}'
        and metrics.unit in ('rate', 'percentile', 'points')

),

checks as (

    select
        table_name,
        unnest(constraint_column_names) as column_name,
        expression
    from duckdb_constraints()
    where
        schema_name = '{{ marts[0].schema }}'
        and constraint_type = 'CHECK'

)

select bounded_columns.*
from bounded_columns
anti join checks
    on
        bounded_columns.table_name = checks.table_name
        and bounded_columns.column_name = checks.column_name
        and regexp_matches(
            checks.expression,
            'BETWEEN [01] AND ' || bounded_columns.upper_bound || '\b'
        )
