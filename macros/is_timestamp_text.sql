{% macro is_timestamp_text(text, zone='') -%}
(
    regexp_full_match(
        {{ text }},
        '\d{4}-\d\d-\d\d ([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?{{ zone }}'
    )
    and {{ text }} >= '0001'
)
{%- endmacro %}
