{% macro parse_loaded_at(text) -%}
{%- set spaced = "replace(" ~ text ~ ", 'T', ' ')" -%}
case
    when {{ is_printed_timestamp(text, zones=['', '+00']) }}
        then try_cast({{ text }} as timestamp)
    when {{ is_timestamp_text(spaced) }}
        then try_cast({{ spaced }} as timestamp)
    when {{ is_timestamp_text(spaced, zone=' ?(Z|[+-]\\d\\d(:?\\d\\d)?)') }}
        then
            try_cast(
                regexp_replace({{ spaced }}, ' (Z|[+-])', '\1') as timestamptz
            ) at time zone 'UTC'
    when regexp_full_match({{ text }}, '[0-9]+')
        then
            {{ local_time_of_unix('try_cast(' ~ text ~ ' as bigint)') }}
            - interval 8 hours
end
{%- endmacro %}
