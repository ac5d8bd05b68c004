{# Was an assessed message answered within a threshold (inclusive, in
   milliseconds)? #}
{% macro is_replied_within(threshold_ms, hours='') -%}
    is_assessed{{ hours }} and response_ms <= {{ threshold_ms }}
{%- endmacro %}
