{# The rows of a relation whose keys are listed, to be selected from, as `stored`.
   The days of the key are given by themselves, too: they are few, and the engine
   passes over all blocks on which none of them lies, however far apart they are.
   Of the whole key it knows the first and the last day alone, and where the day is
   one cut from a time (created_at::date) nothing: there the two are told. #}
{% macro touched_rows_of(relation, touched, key, listed={}) -%}
{%- set day = day_of(key) -%}
{%- set listed_day = (key[day] if key is mapping else day) if day -%}
{{ relation }} as stored
    {%- if day and day.endswith('::date') %}
    {%- set time = day | replace('::date', '') %}
    inner join (
        select
            min({{ listed_day }}) as first_day,
            max({{ listed_day }}) + 1 as day_after
        from {{ touched }}
        {%- for column, value in listed.items() %}
        {{ 'where' if loop.first else 'and' }} {{ column }} = '{{ value }}'
        {%- endfor %}
    ) as span
        on stored.{{ time }} >= span.first_day and stored.{{ time }} < span.day_after
    {%- endif %}
    semi join {{ touched }} as touched
        on
            {{ keys_match('stored', 'touched', key) }}
            {%- for column, value in listed.items() %}
            and touched.{{ column }} = '{{ value }}'
            {%- endfor %}
    {%- if day and key | length > 1 %}
    where stored.{{ day }} in (
        select touched.{{ listed_day }}
        from {{ touched }} as touched
        group by all
    )
    {%- endif %}
{%- endmacro %}
