{% test spans_its_days(model, days, day_column, keys) %}

with

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

),

expected as (

    select
        {{ keys | join(', ') }},
        min({{ day_column }}) as first_day,
        least(max({{ day_column }}) + 29, max(as_of_end.as_of_end)) as last_day
    from {{ days }}
    cross join as_of_end
    group by {{ keys | join(', ') }}

),

expected_spans as (

    select
        *,
        last_day - first_day + 1 as row_count
    from expected

),

found_spans as (

    select
        {{ keys | join(', ') }},
        min(as_of_date) as first_day,
        max(as_of_date) as last_day,
        count(distinct as_of_date) as row_count
    from {{ model }}
    group by {{ keys | join(', ') }}

)

{{ rows_that_differ('expected_spans', 'found_spans') }}

{% endtest %}
