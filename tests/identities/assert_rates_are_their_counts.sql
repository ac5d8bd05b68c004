-- What: every rate is the ratio of the two counts beside it, over a day as
-- over 30 days, and NULL exactly where the denominator is 0. No tolerance.
-- When it matters: a rate is an average of rates, or its numerator and
-- denominator do not belong to it.
-- How to resolve: the macro that makes the rate (response_kpis,
-- conversion_kpis, rating_kpis, refund_kpis) must divide the counts named here.
with

{% set days = [
    ('mall_kpi_daily', 'service_date', 'mall'),
    ('mall_kpi_30d', 'as_of_date', 'mall'),
    ('agent_kpi_daily', 'service_date', 'agent'),
    ('agent_kpi_30d', 'as_of_date', 'agent'),
] %}

figures as (

    {% for table, day, scope in days %}
    {% set converted = 'final_group_buyers' if scope == 'mall'
        else 'converted_inquiry_buyers' %}
    {% set served = 'consult_buyers' if scope == 'mall'
        else 'received_buyers' %}
        select
            '{{ table }}' as table_name,
            mall_id,
            {{ 'cast(null as varchar)' if scope == 'mall' else 'cs_uid' }}
                as cs_uid,
            {{ day }} as figure_date,
            unnest([
                {
                    'figure': 'reply_rate_30s',
                    'found': reply_rate_30s,
                    'numerator': messages_replied_30s,
                    'denominator': assessed_messages
                },
                {
                    'figure': 'reply_rate_3min',
                    'found': reply_rate_3min,
                    'numerator': assessed_consult_buyers - late_buyers_3min,
                    'denominator': assessed_consult_buyers
                },
                {
                    'figure': 'reply_rate_30s_all_day',
                    'found': reply_rate_30s_all_day,
                    'numerator': messages_replied_30s_all_day,
                    'denominator': assessed_messages_all_day
                },
                {
                    'figure': 'reply_rate_3min_all_day',
                    'found': reply_rate_3min_all_day,
                    'numerator': assessed_consult_buyers_all_day
                    - late_buyers_3min_all_day,
                    'denominator': assessed_consult_buyers_all_day
                },
                {
                    'figure': 'reply_rate_5min',
                    'found': reply_rate_5min,
                    'numerator': assessed_consult_buyers - late_buyers_5min,
                    'denominator': assessed_consult_buyers
                },
                {
                    'figure': 'effective_reply_rate',
                    'found': effective_reply_rate,
                    'numerator': assessed_consult_buyers - ineffective_buyers,
                    'denominator': assessed_consult_buyers
                },
                {
                    'figure': 'answer_ask_ratio',
                    'found': answer_ask_ratio,
                    'numerator': agent_messages,
                    'denominator': buyer_messages
                },
                {
                    'figure': 'inquiry_conversion_rate',
                    'found': inquiry_conversion_rate,
                    'numerator': {{ converted }},
                    'denominator': inquiry_buyers
                },
                {
                    'figure': 'low_rating_rate',
                    'found': low_rating_rate,
                    'numerator': low_rating_count,
                    'denominator': rating_count
                },
                {
                    'figure': 'complaint_rate',
                    'found': complaint_rate,
                    'numerator': least(complaint_buyers, {{ served }}),
                    'denominator': {{ served }}
                },
                {
                    'figure': 'units_per_buyer',
                    'found': units_per_buyer,
                    'numerator': sales_units,
                    'denominator': sales_buyers
                }
            ], recursive := true)
        from {{ ref(table) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

-- 1 - 1/3 and 2/3 are not the same in the last digit.
select *
from figures
where
    not coalesce(
        abs(found - numerator / denominator) <= 1e-12,
        found is null and denominator = 0
    )
