{# A time printed as the engine prints it can be nothing else than that time. Most
   landed texts are of this form, and printing what was read takes less than half of
   the time of a pattern. #}
{% macro is_printed_timestamp(column, zones=['']) -%}
(
    {{ is_contract_time(column ~ '_read') }}
    and {{ column }}_text in (
        {%- for zone in zones %}
        concat(cast({{ column }}_read as varchar), '{{ zone }}')
        {{- ',' if not loop.last }}
        {%- endfor %}
    )
)
{%- endmacro %}
