{% macro is_decimal_text(text) -%}
regexp_full_match(
    {{ text }}, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?'
)
{%- endmacro %}
