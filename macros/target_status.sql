{# Whether a figure meets its target, at equality too; NULL without a target or a
   figure. direction: 1 where more is better, -1 where less is. Ten digits, so
   that a figure which equals its target on paper meets it. #}
{% macro target_status(value, target, excellent, direction) -%}
    case
        when {{ target }} is null or {{ value }} is null then null
        when
            round({{ value }} * {{ direction }}, 10)
            >= {{ excellent }} * {{ direction }}
            then 'excellent'
        when
            round({{ value }} * {{ direction }}, 10)
            >= {{ target }} * {{ direction }}
            then 'met'
        else 'missed'
    end
{%- endmacro %}
