{# The number of the first pattern in a list variable that a text matches, NULL
   if none does. A loop, because only a constant pattern is compiled once. #}
{% macro first_matching(text, patterns, length) -%}
    case
        {%- for position in range(1, length + 1) %}
        when regexp_matches({{ text }}, getvariable('{{ patterns }}')[{{ position }}])
            then {{ position }}
        {%- endfor %}
    end
{%- endmacro %}
