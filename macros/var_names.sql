{# The names of the project's vars, each of which can change every figure. #}
{% macro var_names() -%}
{{ return([
    'response_unit', 'response_time_denominator', 'reply_horizon_hours',
    'assess_robot_only_buyers', 'resolve_order_buyers', 'after_sales_period_days',
    'conversion_window_days', 'score_min_orders', 'score_min_peers',
    'service_score_min_buyers', 'completeness_window_days',
    'completeness_min_days', 'completeness_min_rows', 'completeness_low_share',
]) }}
{%- endmacro %}
