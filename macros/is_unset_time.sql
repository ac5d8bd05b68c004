{% macro is_unset_time(text) -%}
coalesce({{ text }}, '0000-00-00') in ('0000-00-00 00:00:00', '0000-00-00')
{%- endmacro %}
