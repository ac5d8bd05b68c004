{# What the engine reads from texts that may be times, for parse_local_time and
   parse_loaded_at to judge: beside `<column>_text`, `<column>_read` is the text as a
   timestamp and `<column>_unix` as a number, which may have come as one. Each is read
   here once; within a case, reading it again in every branch was a sixth of what
   typing an order costs. A text that can be no such time is not tried, since failing
   takes longest; what is_timestamp_text takes must be tried. #}
{% macro read_times(columns) -%}
{%- for column in columns %}
{%- set text = column ~ '_text' -%}
case
    when strlen({{ text }}) >= 19 and {{ text }} >= '0001'
        then try_cast({{ text }} as timestamp)
end as {{ column }}_read,
case
    {%- if column != '_loaded_at' %}
    when {{ column }}_native >= 0 then {{ column }}_native
    {%- endif %}
    when not contains({{ text }}, '-') and regexp_full_match({{ text }}, '[0-9]+')
        then try_cast({{ text }} as bigint)
end as {{ column }}_unix{{ ',' if not loop.last }}
{% endfor %}
{%- endmacro %}
