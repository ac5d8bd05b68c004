{% macro amount_reasons(table, columns) -%}
{%- set native = raw_columns(table) -%}
{%- for column in columns %}
{%- set text = trimmed_text(landed_text(column, native.get(column))) %}
when {{ column }} <= 0 and try_cast({{ text }} as double) < 0
    then 'negative_{{ column }}'
{%- endfor %}
{%- for column in columns %}
{%- set text = trimmed_text(landed_text(column, native.get(column))) %}
when {{ column }} is null and {{ text }} is not null
    then 'unreadable_{{ column }}'
{%- endfor %}
{%- endmacro %}
