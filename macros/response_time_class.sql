{# The class of a response time in ms, from 0: four to each doubling from about
   one second up to 18 hours; what is shorter or longer is of the outer ones. #}
{% macro response_time_class(response_ms) -%}
least(
    {{ response_time_classes() - 1 }},
    greatest(0, floor(4 * log2({{ response_ms }} + 1)) - 40)
)::int
{%- endmacro %}
