{# The relation that holds which rows of a model were added or removed since the
   last build that went through to its end; see continue_table. A
   unit test gives it beside the model itself, as source('changes', ...). #}
{% macro changes_of(model_name) -%}
{%- if model.resource_type == 'unit_test' -%}
{{ source('changes', model_name) }}
{%- else -%}
{{ ref(model_name).incorporate(path={'schema': 'changes'}) }}
{%- endif -%}
{%- endmacro %}
