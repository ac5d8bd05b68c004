-- What: days_observed is the number of the 30 days that lie on or after the
-- first service_date of mall_kpi_daily, in all three tables that bear it.
-- When it matters: a first week is read as a full month.
-- How to resolve: compare with the warehouse's first day; int_kpi_spine makes
-- the column.
with

first_day as (

    select min(service_date) as first_day
    from {{ ref('mall_kpi_daily') }}

),

observed as (

    {% for table in [
        'mall_kpi_30d', 'agent_kpi_30d', 'help_seeking_rate_30d',
    ] %}
        select
            '{{ table }}' as table_name,
            mall_id,
            as_of_date,
            days_observed
        from {{ ref(table) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select
    observed.*,
    first_day.first_day
from observed
cross join first_day
where
    observed.days_observed is distinct from
    observed.as_of_date
    - greatest(observed.as_of_date - 29, first_day.first_day) + 1
