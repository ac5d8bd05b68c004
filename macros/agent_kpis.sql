{# Every figure of an agent, in the order of the published tables. #}
{% macro agent_kpis() -%}
    coalesce(max_concurrent_buyers, 0) as max_concurrent_buyers,
    {{ response_kpis() }},
    {{ all_day_kpis() }},
    {{ conversion_kpis() }},
    converted_inquiry_buyers,
    {{ rating_kpis('received_buyers') }},
    {{ after_sales_response_kpis() }},
    dispute_refund_orders
{%- endmacro %}
