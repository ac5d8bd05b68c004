{# Refuses impossible values of the project's vars with one line, before any
   model runs. Returns nothing: called as an on-run-start hook. #}
{% macro validate_vars() %}
    {% set choices = {
        'response_unit': ['message', 'round'],
        'response_time_denominator': ['answered', 'all'],
        'assess_robot_only_buyers': [true, false],
    } %}
    {% set smallest_integers = {
        'after_sales_period_days': 0,
        'conversion_window_days': 2,
        'score_min_orders': 1,
        'score_min_peers': 1,
        'service_score_min_buyers': 1,
    } %}

    {% for name, allowed in choices.items() %}
        {% if var(name) not in allowed or (var(name) is number and var(name) is not boolean) %}
            {{ refuse_var(name, 'one of ' ~ allowed | join(', ')) }}
        {% endif %}
    {% endfor %}

    {% for name, smallest in smallest_integers.items() %}
        {% if var(name) is boolean or var(name) is not integer or var(name) < smallest %}
            {{ refuse_var(name, 'a whole number of ' ~ smallest ~ ' or more') }}
        {% endif %}
    {% endfor %}

    {% set horizon = var('reply_horizon_hours') %}
    {% if horizon is boolean or horizon is not number or horizon <= 0 or horizon > 8760 %}
        {{ refuse_var('reply_horizon_hours', 'a number of hours above 0, at most 8760') }}
    {% endif %}

    {% set as_of = var('as_of_date') %}
    {% if as_of is not none %}
        {% set form = modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', as_of | string) %}
        {% if not form or not is_calendar_date(as_of | string) %}
            {{ refuse_var('as_of_date', 'a calendar day written YYYY-MM-DD') }}
        {% endif %}
    {% endif %}
{% endmacro %}
