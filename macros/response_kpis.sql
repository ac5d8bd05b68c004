{# The response figures (models/docs/metrics.md), from the added-up parts of any scope and
   period: the one implementation for mall, agent, shift, day and 30 days.
   A mean divides once, so that equal means are equal numbers and rank alike. #}
{% macro response_kpis() -%}
    {%- set averaged = 'assessed_messages'
        if var('response_time_denominator') == 'all' else 'answered_messages' -%}
    consult_buyers,
    assessed_consult_buyers,
    received_buyers,
    assessed_messages,
    messages_replied_30s,
    messages_replied_30s / nullif(assessed_messages, 0) as reply_rate_30s,
    answered_messages,
    response_ms / nullif({{ averaged }} * 1000, 0) as avg_response_seconds,
    median_response_ms / 1000.0 as median_response_seconds,
    p90_response_ms / 1000.0 as p90_response_seconds,
    assessed_messages - answered_messages as unanswered_messages,
    late_buyers_3min,
    1 - late_buyers_3min / nullif(assessed_consult_buyers, 0)
        as reply_rate_3min,
    late_buyers_5min,
    1 - late_buyers_5min / nullif(assessed_consult_buyers, 0)
        as reply_rate_5min,
    ineffective_buyers,
    1 - ineffective_buyers / nullif(assessed_consult_buyers, 0)
        as effective_reply_rate,
    first_responses,
    first_response_ms / nullif(first_responses * 1000, 0)
        as first_response_seconds,
    agent_messages,
    buyer_messages,
    agent_messages / nullif(buyer_messages, 0) as answer_ask_ratio
{%- endmacro %}
