{# Can no later order change the conversion of a consult date any more? True
   once its last day is over. #}
{% macro is_conversion_final(as_of_end, service_date) -%}
    {{ as_of_end }}
    >= {{ service_date }} + ({{ var('conversion_window_days') }} - 1)
{%- endmacro %}
