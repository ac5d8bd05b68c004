{# Every figure of a mall, in the order of the published tables. #}
{% macro mall_kpis() -%}
    {{ response_kpis() }},
    {{ all_day_kpis() }},
    {{ conversion_kpis() }},
    robot_only_buyers,
    after_sales_consult_buyers,
    paid_grouped_orders,
    paid_grouped_amount,
    attributed_grouped_amount,
    attributed_grouped_amount / nullif(paid_grouped_amount, 0)
        as cs_sales_share,
    {{ rating_kpis('consult_buyers') }},
    {{ after_sales_response_kpis() }},
    {{ refund_kpis() }}
{%- endmacro %}
