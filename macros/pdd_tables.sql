{% macro pdd_tables() -%}
{{ return([
    'messages', 'orders', 'refunds', 'complaints', 'malls', 'agents',
    'agent_shifts', 'ratings', 'quality_reviews', 'excluded_buyers',
    'official_agent_kpi', 'official_experience_score',
]) }}
{%- endmacro %}
