{# The whole-day (全天) twins of the two reply rates that count from 8 to 23
   o'clock, as the platform's report shows them beside these. #}
{% macro all_day_kpis() -%}
    assessed_consult_buyers_all_day,
    late_buyers_3min_all_day,
    1 - late_buyers_3min_all_day / nullif(assessed_consult_buyers_all_day, 0)
        as reply_rate_3min_all_day,
    assessed_messages_all_day,
    messages_replied_30s_all_day,
    messages_replied_30s_all_day / nullif(assessed_messages_all_day, 0)
        as reply_rate_30s_all_day
{%- endmacro %}
