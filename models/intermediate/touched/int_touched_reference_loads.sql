-- Touched loads, and those of rows that name an order which came or went.
with

named as (

    select
        references_daily.source,
        references_daily.load_date
    from {{ ref('int_references_daily') }} as references_daily
    semi join {{ changes_of('base_pdd__orders') }} as orders
        on references_daily.member = orders.order_sn
    where references_daily.column_name = 'order_sn'

),

final as (

    select
        source,
        load_date
    from {{ ref('int_touched_loads') }}
    union
    select
        source,
        load_date
    from named

)

select * from final
