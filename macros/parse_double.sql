{% macro parse_double(text) -%}
case
    when {{ is_decimal_text(text) }} then try_cast({{ text }} as double)
end
{%- endmacro %}
