{% macro parse_boolean(text) -%}
case
    when lower({{ text }}) in ('true', 't', 'yes', '1') then true
    when lower({{ text }}) in ('false', 'f', 'no', '0') then false
end
{%- endmacro %}
