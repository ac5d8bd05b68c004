{# A figure from its two sums, by the kind that the metrics seed gives it. #}
{% macro figure_of_kind(kind, numerator, denominator) -%}
    case {{ kind }}
        when 'count' then {{ numerator }}
        when 'sum' then {{ numerator }}
        when 'complement_rate' then 1 - {{ numerator }} / nullif({{ denominator }}, 0)
        when 'cohort_rate' then {{ cohort_rate(numerator, denominator) }}
        else {{ numerator }} / nullif({{ denominator }}, 0)
    end
{%- endmacro %}
