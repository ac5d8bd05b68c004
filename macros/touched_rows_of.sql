{# The rows of a relation whose keys are listed, to be selected from, as `stored`.
   The days of the key are given by themselves, too: they are few, and the engine
   passes over all blocks on which none of them lies, however far apart they are.
   Of the whole key it knows the first and the last day alone. #}
{% macro touched_rows_of(relation, touched, key, listed={}) -%}
{%- set day = day_of(key) -%}
{{ relation }} as stored
    semi join {{ touched }} as touched
        on
            {{ keys_match('stored', 'touched', key) }}
            {%- for column, value in listed.items() %}
            and touched.{{ column }} = '{{ value }}'
            {%- endfor %}
    {%- if day and key | length > 1 %}
    where stored.{{ day }} in (
        select touched.{{ key[day] if key is mapping else day }}
        from {{ touched }} as touched
        group by all
    )
    {%- endif %}
{%- endmacro %}
