{# After-sale figures (models/docs/metrics.md): responses to after-sale buyers, for mall
   and agent rows alike. #}
{% macro after_sales_response_kpis() -%}
    {%- set averaged = 'after_sales_assessed_messages'
        if var('response_time_denominator') == 'all'
        else 'after_sales_answered_messages' -%}
    after_sales_first_responses,
    after_sales_first_response_ms
    / nullif(after_sales_first_responses * 1000, 0)
        as after_sales_first_response_seconds,
    after_sales_assessed_messages,
    after_sales_answered_messages,
    after_sales_response_ms / nullif({{ averaged }} * 1000, 0)
        as after_sales_avg_response_seconds,
    after_sales_assessed_buyers,
    after_sales_ineffective_buyers,
    1 - after_sales_ineffective_buyers / nullif(after_sales_assessed_buyers, 0)
        as after_sales_effective_reply_rate
{%- endmacro %}
