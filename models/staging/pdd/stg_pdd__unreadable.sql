with

unreadable as (

    {% for table in pdd_tables() %}
        select
            '{{ table }}' as source,
            load_date,
            unnest(unreadable_columns) as column_name
        from {{ ref('base_pdd__' ~ table) }}
        where len(unreadable_columns) > 0
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        source,
        load_date,
        column_name,
        count(*) as rows
    from unreadable
    group by source, load_date, column_name

)

select * from final
