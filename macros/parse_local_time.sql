{% macro parse_local_time(column) -%}
case
    when {{ is_printed_timestamp(column) }}
        then date_trunc('milliseconds', {{ column }}_read)
    when {{ column }}_unix is not null
        then {{ local_time_of_unix(column ~ '_unix') }}
    when {{ is_timestamp_text(column ~ '_text') }}
        then date_trunc('milliseconds', {{ column }}_read)
end
{%- endmacro %}
