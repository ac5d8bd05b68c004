{% test never_null(model, columns) %}

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

{% endtest %}
