{% macro parse_local_time(text) -%}
case
    when {{ is_printed_timestamp(text) }}
        then date_trunc('milliseconds', try_cast({{ text }} as timestamp))
    when regexp_full_match({{ text }}, '[0-9]+')
        then {{ local_time_of_unix('try_cast(' ~ text ~ ' as bigint)') }}
    when {{ is_timestamp_text(text) }}
        then date_trunc('milliseconds', try_cast({{ text }} as timestamp))
end
{%- endmacro %}
