{# After-sale figures (models/docs/metrics.md): refunds, disputes and interventions of a
   mall over any period. #}
{% macro refund_kpis() -%}
    grouped_orders,
    refunded_orders,
    {{ cohort_rate('refunded_orders', 'grouped_orders') }} as refund_rate,
    dispute_refund_orders,
    {{ cohort_rate('dispute_refund_orders', 'grouped_orders') }}
        as dispute_refund_rate,
    {{ cohort_rate('dispute_refund_orders', 'refunded_orders') }}
        as dispute_refund_rate_of_refunds,
    platform_intervention_orders,
    {{ cohort_rate('platform_intervention_orders', 'grouped_orders') }}
        as platform_intervention_rate,
    quality_refund_orders,
    {{ cohort_rate('quality_refund_orders', 'grouped_orders') }}
        as quality_refund_rate,
    refund_ms / nullif(refunded_orders * 3600000, 0) as avg_refund_hours,
    autonomous_refunded_orders,
    autonomous_refund_ms / nullif(autonomous_refunded_orders * 3600000, 0)
        as avg_refund_hours_autonomous
{%- endmacro %}
