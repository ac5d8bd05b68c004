{# The condition that two relations have the same key; `key` is a list of columns
   or a mapping of the left one's columns to the right one's. #}
{% macro keys_match(left, right, key) -%}
{%- for column in key -%}
{{ left }}.{{ column }} = {{ right }}.{{ key[column] if key is mapping else column }}
{{- ' and ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}
