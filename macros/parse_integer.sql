{% macro parse_integer(text, type='integer') -%}
case
    when regexp_full_match({{ text }}, '[+-]?[0-9]+(\.0+)?')
        then try_cast({{ text }} as {{ type }})
end
{%- endmacro %}
