{# For each class a column: how many responses took a time of it or a shorter one. #}
{% macro responses_to_each_class() -%}
{%- for time_class in range(response_time_classes()) -%}
sum(responses) filter (where time_class <= {{ time_class }})
            as responses_to_{{ time_class }}
        {{- ',\n        ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}
