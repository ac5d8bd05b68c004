{% macro parse_boolean(column) -%}
{%- set text = column ~ '_text' -%}
case
    when {{ column }}_native is not null then {{ column }}_native
    when lower({{ text }}) in ('true', 't', 'yes', '1') then true
    when lower({{ text }}) in ('false', 'f', 'no', '0') then false
end
{%- endmacro %}
