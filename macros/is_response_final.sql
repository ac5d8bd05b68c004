{# Can no later agent message answer a buyer message of this day any more? A
   message of the day's last millisecond may be answered until the horizon,
   bound included. #}
{% macro is_response_final(as_of_end, service_date) -%}
    {{ as_of_end }}
    >= {{ service_date }}
    + {{ (var('reply_horizon_hours') / 24) | round(0, 'ceil') | int }}
{%- endmacro %}
