{# The table in which an incremental model's changes are kept. #}
{% macro changes_table(relation) -%}
{{ relation.incorporate(path={'schema': 'changes'}) }}
{%- endmacro %}
