-- What: parts that exclude each other add up to their total, in every daily
-- and 30-day row: satisfied, fair and dissatisfied ratings; answered and
-- unanswered messages; converted and lost inquiry buyers; after-sales and
-- inquiry buyers of a mall.
-- When it matters: a rating, message or buyer is in two parts or in none.
-- How to resolve: the failing row names the total; the parts are made where
-- the models of intermediate/kpis count with filters.
with

splits as (

    {% for table, day, scope in [
        ('mall_kpi_daily', 'service_date', 'mall'),
        ('mall_kpi_30d', 'as_of_date', 'mall'),
        ('agent_kpi_daily', 'service_date', 'agent'),
        ('agent_kpi_30d', 'as_of_date', 'agent'),
    ] %}
        select
            '{{ table }}' as table_name,
            mall_id,
            {{ 'cast(null as varchar)' if scope == 'mall' else 'cs_uid' }}
                as cs_uid,
            {{ day }} as figure_date,
            unnest([
                {
                    'total': 'rating_count',
                    'whole': rating_count,
                    'parts': satisfied_count + fair_count + dissatisfied_count
                },
                {
                    'total': 'low_rating_count',
                    'whole': low_rating_count,
                    'parts': fair_count + dissatisfied_count
                },
                {
                    'total': 'assessed_messages',
                    'whole': assessed_messages,
                    'parts': answered_messages + unanswered_messages
                },
                {
                    'total': 'inquiry_buyers',
                    'whole': inquiry_buyers,
                    'parts': inquiry_lost_buyers
                    + {{ 'final_group_buyers' if scope == 'mall'
                    else 'converted_inquiry_buyers' }}
                }
                {%- if scope == 'mall' %}
                    ,
                    {
                        'total': 'consult_buyers',
                        'whole': consult_buyers,
                        'parts': inquiry_buyers + after_sales_consult_buyers
                    }
                {%- endif %}
            ], recursive := true)
        from {{ ref(table) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select *
from splits
where whole is distinct from parts
