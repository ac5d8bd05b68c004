{# A time printed as the engine prints it can be nothing else than that time. Most
   landed texts are of this form, and printing what was read takes less than half of
   the time of a pattern. A text that is too short is not read at all: that fails, and
   failing takes longest. #}
{% macro is_printed_timestamp(text, zones=['']) -%}
{%- set time = 'try_cast(' ~ text ~ ' as timestamp)' -%}
(
    strlen({{ text }}) >= 19
    and {{ time }} between timestamp '0001-01-01 00:00:00'
    and timestamp '9999-12-31 23:59:59.999999'
    and {{ text }} in (
        {%- for zone in zones %}
        concat(cast({{ time }} as varchar), '{{ zone }}'){{ ',' if not loop.last }}
        {%- endfor %}
    )
)
{%- endmacro %}
