{# The relation that holds which rows of a model were added or removed since the
   last build that went through to its end; see get_incremental_touched_sql. #}
{% macro changes_of(model_name) -%}
{{ ref(model_name).incorporate(path={'schema': 'changes'}) }}
{%- endmacro %}
