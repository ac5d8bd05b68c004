{% macro parse_loaded_at(column) -%}
{%- set text = column ~ '_text' -%}
{%- set native = column ~ '_native' -%}
{%- set spaced = "replace(" ~ text ~ ", 'T', ' ')" -%}
case
    when {{ native }} is not null
        then case when {{ is_contract_time(native) }} then {{ native }} end
    when {{ is_printed_timestamp(column, zones=['', '+00']) }}
        then {{ column }}_read
    when {{ is_timestamp_text(spaced) }}
        then try_cast({{ spaced }} as timestamp)
    when {{ is_timestamp_text(spaced, zone=' ?(Z|[+-]\\d\\d(:?\\d\\d)?)') }}
        then
            try_cast(
                regexp_replace({{ spaced }}, ' (Z|[+-])', '\1') as timestamptz
            ) at time zone 'UTC'
    when {{ column }}_unix is not null
        then {{ local_time_of_unix(column ~ '_unix') }} - interval 8 hours
end
{%- endmacro %}
