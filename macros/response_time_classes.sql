{# How many classes of response times there are. #}
{% macro response_time_classes() -%}
{{ return(64) }}
{%- endmacro %}
