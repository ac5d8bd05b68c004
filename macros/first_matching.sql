{# The number of the first of up to 256 patterns in a list variable that a text
   matches, NULL if none does. patterns holds them one by one, chunks holds 16 of
   them joined, so that a text without a match is tried 16 times. Loops, because
   only a constant pattern is compiled once. #}
{% macro first_matching(text, patterns, chunks) -%}
    case
        {%- for chunk in range(16) %}
        when regexp_matches({{ text }}, getvariable('{{ chunks }}')[{{ chunk + 1 }}])
            then
                case
                    {%- for position in range(chunk * 16 + 1, chunk * 16 + 17) %}
                    when
                        regexp_matches(
                            {{ text }}, getvariable('{{ patterns }}')[{{ position }}]
                        )
                        then {{ position }}
                    {%- endfor %}
                end
        {%- endfor %}
    end
{%- endmacro %}
