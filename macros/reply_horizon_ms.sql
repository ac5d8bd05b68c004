{# The horizon of a reply in whole milliseconds, as messages are timed; hours may be
   fractions of one. #}
{% macro reply_horizon_ms() -%}
{{ return((var('reply_horizon_hours') * 3600000) | round(6) | int) }}
{%- endmacro %}
