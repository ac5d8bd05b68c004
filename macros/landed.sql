{# The rows of a raw table that a build reads: all, or what is yet unread. #}
{% macro landed(table) -%}
{%- set all_rows = source('pdd', table) -%}
{%- if model.resource_type != 'unit_test' and is_incremental() -%}
{{ all_rows.incorporate(path={'identifier': table ~ '_unread'}) }}
{%- else -%}
{{ all_rows }}
{%- endif -%}
{%- endmacro %}
