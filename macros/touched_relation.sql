{# Where touched keys are listed: a model, or the changes of one. #}
{% macro touched_relation(by) -%}
{%- if by.startswith('changes.') -%}
{{ changes_of(by.split('.')[1]) }}
{%- else -%}
{{ ref(by) }}
{%- endif -%}
{%- endmacro %}
