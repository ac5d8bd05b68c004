{% macro time_text(local_time) -%}
epoch_ms({{ local_time }}) - 28800000
{%- endmacro %}
