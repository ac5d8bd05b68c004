{# Where touched keys are listed: a model, the changes of one, or a CTE. #}
{% macro touched_relation(by) -%}
{%- if by.startswith('changes.') -%}
{{ changes_of(by.split('.')[1]) }}
{%- elif by.startswith('cte.') -%}
{{ by.split('.')[1] }}
{%- else -%}
{{ ref(by) }}
{%- endif -%}
{%- endmacro %}
