-- What: the refund figures of a mall are cohort ratios of the counts beside
-- them: at most 1, and NULL exactly where the denominator is 0. No tolerance.
-- When it matters: a rate is taken over requests where orders are meant, or
-- the two dispute rates are mixed up.
-- How to resolve: the macro refund_kpis must divide the counts named here.
with

figures as (

    {% for table, day in [
        ('mall_kpi_daily', 'service_date'), ('mall_kpi_30d', 'as_of_date'),
    ] %}
        select
            '{{ table }}' as table_name,
            mall_id,
            {{ day }} as figure_date,
            unnest([
            {% for rate, numerator, denominator in [
                ('refund_rate', 'refunded_orders', 'grouped_orders'),
                ('dispute_refund_rate', 'dispute_refund_orders',
                 'grouped_orders'),
                ('dispute_refund_rate_of_refunds', 'dispute_refund_orders',
                 'refunded_orders'),
                ('platform_intervention_rate', 'platform_intervention_orders',
                 'grouped_orders'),
                ('quality_refund_rate', 'quality_refund_orders',
                 'grouped_orders'),
            ] %}
                    {
                        'figure': '{{ rate }}',
                        'found': {{ rate }},
                        'numerator': {{ numerator }},
                        'denominator': {{ denominator }}
                    }{{ ',' if not loop.last }}
                {% endfor %}
            ], recursive := true)
        from {{ ref(table) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select *
from figures
where
    found is distinct from
    least(numerator, denominator) / nullif(denominator, 0)
