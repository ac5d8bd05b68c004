{# Of one buyer's assessed messages, is any unanswered or answered after the
   threshold (inclusive, in milliseconds)? False where none is assessed. #}
{% macro is_late(threshold_ms, hours='') -%}
    assessed_messages{{ hours }} > 0
    and (
        answered_messages{{ hours }} < assessed_messages{{ hours }}
        or slowest_response_ms{{ hours }} > {{ threshold_ms }}
    )
{%- endmacro %}
