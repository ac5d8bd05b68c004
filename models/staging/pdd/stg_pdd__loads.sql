with

landed as (

    select
        source,
        load_date,
        cast(sum(rows) as bigint) as rows_landed
    from {{ source('ledger', 'landed_rows') }}
    group by source, load_date

),

typed as (

    {% for table in pdd_tables() %}
        select
            '{{ table }}' as source,
            load_date,
            count(*) as rows_typed,
            count_if(reject_reason is null) as rows_accepted,
            max(loaded_at) filter (reject_reason is null)
                as newest_accepted_loaded_at
        from {{ ref('base_pdd__' ~ table) }}
        group by load_date
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        landed.source,
        landed.load_date,
        landed.rows_landed,
        coalesce(typed.rows_typed, 0) as rows_typed,
        coalesce(typed.rows_accepted, 0) as rows_accepted,
        typed.newest_accepted_loaded_at
    from landed
    left join typed
        on
            landed.source = typed.source
            and landed.load_date = typed.load_date

)

select * from final
