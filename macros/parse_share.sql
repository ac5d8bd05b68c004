{% macro parse_share(text) -%}
case
    when {{ parse_double(text) }} between 0 and 1 then {{ parse_double(text) }}
end
{%- endmacro %}
