-- What: daily, hourly and 30-day tables end with the last complete day (or the
-- var as_of_date, if that is earlier).
-- When it matters: a running day is read as a bad one.
-- How to resolve: join the model to int_as_of_end as its neighbours do.
with

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

),

last_days as (

    {% for table, day in [
        ('mall_kpi_daily', 'service_date'),
        ('agent_kpi_daily', 'service_date'),
        ('agent_kpi_shift_daily', 'service_date'),
        ('hourly_load', 'service_date'),
        ('help_seeking_daily', 'request_date'),
        ('mall_kpi_30d', 'as_of_date'),
        ('agent_kpi_30d', 'as_of_date'),
        ('agent_service_score_30d', 'as_of_date'),
        ('mall_benchmarks_30d', 'as_of_date'),
        ('help_seeking_rate_30d', 'as_of_date'),
        ('core_issues_30d', 'as_of_date'),
        ('experience_score_30d', 'as_of_date'),
        ('experience_module_scores_30d', 'as_of_date'),
        ('data_completeness', 'date_day'),
    ] %}
        select
            '{{ table }}' as table_name,
            mall_id,
            max({{ day }}) as last_day
        from {{ ref(table) }}
        group by mall_id
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select
    last_days.*,
    as_of_end.as_of_end
from last_days
cross join as_of_end
where (last_days.last_day <= as_of_end.as_of_end) is not true
