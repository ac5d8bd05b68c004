with

rejected as (

    {% for table in pdd_tables() %}
        select
            '{{ table }}' as source,
            load_date,
            reject_reason
        from {{ ref('stg_pdd__' ~ table ~ '_rejected') }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        source,
        load_date,
        reject_reason as reason,
        count(*) as rows
    from rejected
    group by source, load_date, reject_reason

)

select * from final
