{# A text as it was landed: of a native value, what it would be as text. #}
{% macro landed_text(column, native) -%}
{%- if native -%}
coalesce(
    landed['{{ column }}'],
    cast(landed['{{ column }}_native'] as varchar)
    {{- " || '+00'" if native == 'timestamp' }}
)
{%- else -%}
landed['{{ column }}']
{%- endif -%}
{%- endmacro %}
