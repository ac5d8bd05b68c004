{% macro parse_money(text) -%}
case
    when {{ is_decimal_text(text) }}
        then try_cast({{ text }} as decimal(18, 2))
end
{%- endmacro %}
