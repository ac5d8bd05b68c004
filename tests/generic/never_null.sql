{% test never_null(model, columns) %}

{%- set stored = load_cached_relation(model) %}
{%- if stored is not none and stored.is_view %}
-- All columns in one pass: what is below a view would be computed for each.
with

counted as (

    select
        {% for column in columns %}
        count_if({{ column }} is null) as {{ column }}
        {{- ',' if not loop.last }}
        {% endfor %}
    from {{ model }}

)

select
    column_name,
    nulls
from (
    unpivot counted
    on columns(*)
    into name column_name value nulls
)
where nulls > 0
{%- else %}
-- Each column by itself: of a block without a null the engine reads nothing.
{% for column in columns %}
select
    '{{ column }}' as column_name,
    count(*) as nulls
from {{ model }}
where {{ column }} is null
having count(*) > 0
{{ 'union all' if not loop.last }}
{% endfor %}
{%- endif %}

{% endtest %}
