{% macro trimmed_text(expression) -%}
case
    when {{ expression }} >= '!' and {{ expression }}[-1] >= '!'
        then {{ expression }}
    else nullif(trim({{ expression }}, e' \t\r\n'), '')
end
{%- endmacro %}
