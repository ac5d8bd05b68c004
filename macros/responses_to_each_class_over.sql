{# The sums of these columns over a window, as one list from the first class on. #}
{% macro responses_to_each_class_over(window) -%}
[
            {%- for time_class in range(response_time_classes()) %}
            coalesce(sum(responses_to_{{ time_class }}) over {{ window }}, 0)::bigint
            {{- ',' if not loop.last }}
            {%- endfor %}
        ]
{%- endmacro %}
