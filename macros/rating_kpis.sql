{# Complaints and ratings (models/docs/metrics.md); complaints are set against the buyers
   consulted (mall) or received (agent). #}
{% macro rating_kpis(complaint_denominator) -%}
    complaint_buyers,
    {{ cohort_rate('complaint_buyers', complaint_denominator) }}
        as complaint_rate,
    rating_count,
    low_rating_count,
    low_rating_count / nullif(rating_count, 0) as low_rating_rate,
    rating_sum / nullif(rating_count, 0) as avg_rating,
    satisfied_count,
    fair_count,
    dissatisfied_count
{%- endmacro %}
