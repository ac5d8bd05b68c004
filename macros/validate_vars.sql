{# Refuses impossible values of the project's vars with one line, before any
   model runs. Returns nothing: called as an on-run-start hook. #}
{% macro validate_vars() %}
    {% set choices = {
        'response_unit': ['message', 'round'],
        'response_time_denominator': ['answered', 'all'],
        'assess_robot_only_buyers': [true, false],
        'resolve_order_buyers': [true, false],
    } %}
    {% set whole_numbers = {
        'after_sales_period_days': [0, 3650],
        'conversion_window_days': [2, 365],
        'score_min_orders': [1, 1000000000],
        'score_min_peers': [1, 1000000000],
        'service_score_min_buyers': [1, 1000000000],
        'completeness_window_days': [2, 365],
        'completeness_min_days': [2, 365],
        'completeness_min_rows': [1, 1000000000],
    } %}

    {% for name, allowed in choices.items() %}
        {% if var(name) not in allowed or (var(name) is number and var(name) is not boolean) %}
            {{ refuse_var(name, 'one of ' ~ allowed | join(', ')) }}
        {% endif %}
    {% endfor %}

    {% for name, (least, most) in whole_numbers.items() %}
        {% if var(name) is boolean or var(name) is not integer
            or not least <= var(name) <= most %}
            {{ refuse_var(name, 'a whole number from ' ~ least ~ ' to ' ~ most) }}
        {% endif %}
    {% endfor %}

    {# Asked this way round, for a value that is no number compares as false. #}
    {% set horizon = var('reply_horizon_hours') %}
    {% if horizon is boolean or horizon is not number
        or not 0 < horizon <= 8760 %}
        {{ refuse_var('reply_horizon_hours', 'a number of hours above 0, at most 8760') }}
    {% endif %}

    {% if var('completeness_min_days') > var('completeness_window_days') %}
        {{ refuse_var(
            'completeness_min_days', 'at most completeness_window_days'
        ) }}
    {% endif %}

    {% set low_share = var('completeness_low_share') %}
    {% if low_share is boolean or low_share is not number
        or not 0 < low_share <= 1 %}
        {{ refuse_var('completeness_low_share', 'a number above 0, at most 1') }}
    {% endif %}

    {% set as_of = var('as_of_date') %}
    {% if as_of is not none %}
        {% set form = modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', as_of | string) %}
        {% if not form or not is_calendar_date(as_of | string)
            or as_of | string < '2015-09-01' %}
            {{ refuse_var(
                'as_of_date',
                'a calendar day written YYYY-MM-DD, 2015-09-01 or later'
            ) }}
        {% endif %}
    {% endif %}
{% endmacro %}
