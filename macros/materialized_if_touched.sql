{# How the engine treats a CTE that is read several times and begins with only_touched:
   the touched rows are few and looked for once; the whole table would be copied, so
   a full build reads it each time. #}
{% macro materialized_if_touched() -%}
{{
    'materialized'
    if model.resource_type != 'unit_test' and is_incremental()
    else 'not materialized'
}}
{%- endmacro %}
