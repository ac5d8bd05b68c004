{# Whether rows of a key lie close together: it names days, of all or of malls or
   sources, and nothing else. A buyer's day is one of few rows among many. #}
{% macro lies_by_day(key) -%}
{%- set days = [] -%}
{%- set others = [] -%}
{%- for column in key -%}
{%- if column.split('_')[-1].split(':')[-1] in ('date', 'day', 'on') -%}
{%- do days.append(column) -%}
{%- elif column not in ('mall_id', 'source') -%}
{%- do others.append(column) -%}
{%- endif -%}
{%- endfor -%}
{{ return(days | length > 0 and not others) }}
{%- endmacro %}
