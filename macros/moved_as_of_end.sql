{# The dates between which the as-of end moved, from `days` before; no end at all,
   before or after, lies before every date. No row where it did not move. #}
{% macro moved_as_of_end(days=0) -%}
select
    coalesce(
        min(coalesce(as_of_end, date '0001-01-01' + {{ days }})) - {{ days }},
        date '0001-01-01'
    ) as first_date,
    max(as_of_end) as last_date
from {{ changes_of('int_as_of_end') }}
having count(*) > 0
{%- endmacro %}
