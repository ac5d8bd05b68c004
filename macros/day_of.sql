{# The column of a key that names a day, if it has one. #}
{% macro day_of(key) -%}
{%- for column in key if column.split('_')[-1].split(':')[-1] in ('date', 'day', 'on') -%}
{{ return(column) }}
{%- endfor -%}
{{ return(none) }}
{%- endmacro %}
