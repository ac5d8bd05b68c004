with

booked as (

    select
        source,
        load_date,
        'landed' as book,
        rows_landed as rows
    from {{ ref('stg_pdd__loads') }}
    {% for table in pdd_tables() %}
        union all
        select
            '{{ table }}' as source,
            load_date,
            'current' as book,
            count(*) as rows
        from {{ ref('stg_pdd__' ~ table) }}
        group by load_date
        union all
        select
            '{{ table }}' as source,
            load_date,
            'superseded' as book,
            count(*) as rows
        from {{ ref('base_pdd__' ~ table ~ '_duplicates') }}
        where version_rank > 1
        group by load_date
        union all
        select
            '{{ table }}' as source,
            load_date,
            'rejected' as book,
            count(*) as rows
        from {{ ref('stg_pdd__' ~ table ~ '_rejected') }}
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
