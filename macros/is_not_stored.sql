{# The condition that an incremental build does not have a key in the table yet;
   true in a full build and in a unit test. #}
{% macro is_not_stored(column) -%}
{%- if model.resource_type != 'unit_test' and is_incremental() -%}
{{ column }} not in (select {{ column }} from {{ this }})
{%- else -%}
true
{%- endif -%}
{%- endmacro %}
