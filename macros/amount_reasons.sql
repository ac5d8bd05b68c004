{% macro amount_reasons(columns) -%}
{%- for column in columns %}
when {{ column }} <= 0 and try_cast({{ column }}_text as double) < 0
    then 'negative_{{ column }}'
{%- endfor %}
{%- for column in columns %}
when {{ column }} is null and {{ column }}_text is not null
    then 'unreadable_{{ column }}'
{%- endfor %}
{%- endmacro %}
