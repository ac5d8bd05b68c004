{# Whether one of a key's columns is a day, by its name. #}
{% macro names_a_day(key) -%}
{%- set found = [] -%}
{%- for column in key if column.split('_')[-1].split(':')[-1] in ('date', 'day', 'on') -%}
{%- do found.append(column) -%}
{%- endfor -%}
{{ return(found | length > 0) }}
{%- endmacro %}
