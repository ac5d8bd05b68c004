{# The dates between which the as-of end moved, from `days` before; no end at all,
   before or after, lies before every date. Nulls where it did not move, so that
   no date lies between. #}
{% macro moved_as_of_end(days=0) -%}
select
    min(coalesce(as_of_end, date '0001-01-01' + {{ days }})) - {{ days }}
        as first_date,
    max(as_of_end) as last_date
from {{ changes_of('int_as_of_end') }}
{%- endmacro %}
