{# What makes a relation, after what takes its forerunner away. #}
{% macro replace_relation(existing, creation) -%}
{%- if existing is not none %}
drop {{ existing.type }} if exists {{ existing }};
{%- endif %}
{{ creation }}
{%- endmacro %}
