{# Whether rows of a key lie close together: it names days, of all or of malls or
   sources, and nothing else. A buyer's day is one of few rows among many. #}
{% macro lies_by_day(key) -%}
{%- set others = [] -%}
{%- for column in key if column not in ('mall_id', 'source', day_of(key)) -%}
{%- do others.append(column) -%}
{%- endfor -%}
{{ return(day_of(key) is not none and not others) }}
{%- endmacro %}
