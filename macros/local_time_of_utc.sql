{# The local time of a moment in UTC: fixed +08:00, no daylight saving. #}
{% macro local_time_of_utc(moment) -%}
    {{ moment }} + interval 8 hours
{%- endmacro %}
