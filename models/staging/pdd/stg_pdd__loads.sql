with

-- Counted from the source itself: a row that typing lost or doubled must
-- unbalance the books instead of vanishing from both of their sides.
landed as (

    {% for table in pdd_tables() %}
        select
            '{{ table }}' as source,
            {{ booked_date(
                'load_date', parse_loaded_at(trimmed_text('_loaded_at'))
            ) }} as load_date,
            count(*) as rows_landed
        from {{ source('pdd', table) }}
        group by all
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

accepted as (

    {% for table in pdd_tables() %}
        select
            '{{ table }}' as source,
            load_date,
            count(*) as rows_accepted,
            max(loaded_at) as newest_accepted_loaded_at
        from {{ ref('base_pdd__' ~ table) }}
        where reject_reason is null
        group by load_date
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        landed.source,
        landed.load_date,
        landed.rows_landed,
        coalesce(accepted.rows_accepted, 0) as rows_accepted,
        accepted.newest_accepted_loaded_at
    from landed
    left join accepted
        on
            landed.source = accepted.source
            and landed.load_date = accepted.load_date

)

select * from final
