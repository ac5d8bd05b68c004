{# Was an assessed message answered within a threshold (inclusive, in
   milliseconds)? #}
{% macro is_replied_within(threshold_ms) -%}
    is_assessed and response_ms <= {{ threshold_ms }}
{%- endmacro %}
