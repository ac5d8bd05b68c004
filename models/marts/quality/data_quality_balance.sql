{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_loads',
            'touched_key': ['source', 'load_date'],
        },
    )
}}

with

booked as (

    select
        source,
        load_date,
        'landed' as book,
        rows_landed as rows
    from {{ only_touched(
        ref('stg_pdd__loads'), by='int_touched_loads',
        key=['source', 'load_date']
    ) }}
    {% for table in pdd_tables() %}
        union all
        select
            '{{ table }}' as source,
            load_date,
            'current' as book,
            count(*) as rows
        from {{ only_touched(
            ref('stg_pdd__' ~ table), by='int_touched_loads',
            key=['load_date'], listed={'source': table}
        ) }}
        group by load_date
        union all
        select
            '{{ table }}' as source,
            load_date,
            'superseded' as book,
            count(*) as rows
        from {{ only_touched(
            ref('base_pdd__' ~ table ~ '_duplicates'), by='int_touched_loads',
            key=['load_date'], listed={'source': table}
        ) }}
        where version_rank > 1
        group by load_date
        union all
        select
            '{{ table }}' as source,
            load_date,
            'rejected' as book,
            count(*) as rows
        from {{ only_touched(
            ref('stg_pdd__' ~ table ~ '_rejected'), by='int_touched_loads',
            key=['load_date'], listed={'source': table}
        ) }}
        group by load_date
    {% endfor %}

),

final as (

    select
        source,
        load_date,
        cast(sum(if(book = 'landed', rows, 0)) as bigint) as rows_landed,
        cast(sum(if(book = 'current', rows, 0)) as bigint) as rows_current,
        cast(sum(if(book = 'superseded', rows, 0)) as bigint)
            as rows_superseded,
        cast(sum(if(book = 'rejected', rows, 0)) as bigint) as rows_rejected
    from booked
    group by source, load_date

)

select * from final
