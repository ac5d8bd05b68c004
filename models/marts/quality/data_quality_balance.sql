with

landed as (

    select
        source,
        load_date,
        rows_landed
    from {{ ref('stg_pdd__loads') }}

),

current_rows as (

    {% for table in pdd_tables() %}
    select
        '{{ table }}' as source,
        load_date,
        count(*) as rows_current
    from {{ ref('stg_pdd__' ~ table) }}
    group by load_date
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

superseded as (

    {% for table in pdd_tables() %}
    select
        '{{ table }}' as source,
        load_date,
        count(*) as rows_superseded
    from {{ ref('base_pdd__' ~ table ~ '_duplicates') }}
    where version_rank > 1
    group by load_date
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

rejected as (

    {% for table in pdd_tables() %}
    select
        '{{ table }}' as source,
        load_date,
        count(*) as rows_rejected
    from {{ ref('stg_pdd__' ~ table ~ '_rejected') }}
    group by load_date
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Full joins, so that rows booked under a date that nothing was landed for
-- show up as an imbalance.
final as (

    select
        source,
        load_date,
        coalesce(landed.rows_landed, 0) as rows_landed,
        coalesce(current_rows.rows_current, 0) as rows_current,
        coalesce(superseded.rows_superseded, 0) as rows_superseded,
        coalesce(rejected.rows_rejected, 0) as rows_rejected
    from landed
    full join current_rows using (source, load_date)
    full join superseded using (source, load_date)
    full join rejected using (source, load_date)

)

select * from final
