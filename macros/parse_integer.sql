{% macro parse_integer(column, type='integer') -%}
case
    when {{ column }}_native is not null
        then try_cast({{ column }}_native as {{ type }})
    when regexp_full_match({{ column }}_text, '[+-]?[0-9]+(\.0+)?')
        then try_cast({{ column }}_text as {{ type }})
end
{%- endmacro %}
