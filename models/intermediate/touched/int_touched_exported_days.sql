-- Touched days of each source, and those whose first official export is another one.
with

exported as (

    select date_day
    from {{ changes_of('int_official_first_exports') }}
    group by date_day

),

final as (

    select
        source,
        date_day
    from {{ ref('int_touched_source_days') }}
    {% for source in ['messages', 'orders', 'refunds', 'complaints', 'ratings'] %}
        union
        select
            '{{ source }}' as source,
            date_day
        from exported
    {% endfor %}

)

select * from final
