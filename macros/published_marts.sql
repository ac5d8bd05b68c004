{# The tables that others may rely on, as relations: a test that looks at all
   of them waits for all of them. #}
{% macro published_marts() %}
    {% set names = [
        'dim_malls', 'dim_agents', 'dim_dates', 'dim_problems', 'dim_metrics',
        'dim_kpi_targets', 'dim_mall_groups', 'dim_score_tiers', 'dim_score_curve',
        'dim_score_modules',
        'metricflow_time_spine',
        'fct_buyer_messages', 'fct_consultations', 'fct_orders', 'fct_refunds',
        'fct_help_requests',
        'agent_kpi_daily', 'agent_kpi_shift_daily', 'agent_kpi_30d',
        'agent_service_score_30d',
        'mall_kpi_daily', 'mall_kpi_30d', 'mall_benchmarks_30d', 'hourly_load',
        'help_seeking_daily', 'help_seeking_rate_30d', 'core_issues_30d',
        'experience_score_30d', 'experience_module_scores_30d',
        'data_quality_rejects', 'data_quality_issues', 'data_quality_balance',
        'data_completeness',
        'official_agent_kpi', 'official_experience_score',
        'official_reconciliation',
    ] %}
    {% set relations = [] %}
    {% for name in names %}
        {% do relations.append(ref(name)) %}
    {% endfor %}
    {{ return(relations) }}
{% endmacro %}
