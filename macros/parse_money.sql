{% macro parse_money(text) -%}
case
    when {{ is_decimal_text(text) }}
        then cast(try_cast({{ text }} as decimal(14, 2)) as decimal(18, 2))
end
{%- endmacro %}
