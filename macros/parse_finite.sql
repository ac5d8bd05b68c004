{% macro parse_finite(text) -%}
case
    when isfinite({{ parse_double(text) }}) then {{ parse_double(text) }}
end
{%- endmacro %}
