{# A relation that a view reads, for a model that reads the view: the model depends
   on it by way of the view, and need not name it. #}
{% macro below(schema, name) -%}
{{ return(this.incorporate(path={'schema': schema, 'identifier': name})) }}
{%- endmacro %}
