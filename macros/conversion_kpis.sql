{# The conversion and sales figures (models/docs/metrics.md) for mall and agent rows alike. Of a mall,
   the converted inquiry buyers are its final group buyers. #}
{% macro conversion_kpis() -%}
    inquiry_buyers,
    final_group_buyers,
    converted_inquiry_buyers / nullif(inquiry_buyers, 0)
        as inquiry_conversion_rate,
    inquiry_buyers - converted_inquiry_buyers as inquiry_lost_buyers,
    sales_amount,
    net_sales_amount,
    sales_buyers,
    sales_orders,
    sales_units,
    sales_amount / nullif(sales_buyers, 0) as avg_order_value,
    sales_units / nullif(sales_buyers, 0) as units_per_buyer
{%- endmacro %}
