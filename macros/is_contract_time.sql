{# Of a time that was read: whether the raw contract knows its year. #}
{% macro is_contract_time(time) -%}
{{ time }} between timestamp '0001-01-01 00:00:00'
    and timestamp '9999-12-31 23:59:59.999999'
{%- endmacro %}
