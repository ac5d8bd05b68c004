{% macro parse_double(text) -%}
case
    when
        {{ is_decimal_text(text) }}
        and isfinite(try_cast({{ text }} as double))
        then try_cast({{ text }} as double)
end
{%- endmacro %}
