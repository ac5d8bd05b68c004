{# Of one buyer's assessed messages, is any unanswered or answered after the
   threshold (inclusive, in milliseconds)? False where none is assessed. #}
{% macro is_late(threshold_ms) -%}
    assessed_messages > 0
    and (
        answered_messages < assessed_messages
        or slowest_response_ms > {{ threshold_ms }}
    )
{%- endmacro %}
