{# The ratio of two counts whose sides are different sets: at most 1, and NULL
   when the denominator is 0. #}
{% macro cohort_rate(numerator, denominator) -%}
    case
        when {{ denominator }} > 0
            then least(1::double, {{ numerator }} / {{ denominator }})
    end
{%- endmacro %}
