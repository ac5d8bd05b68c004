-- Touched loads, and those of rows that name an order which came or went.
with

named as (

    select
        stored.source,
        stored.load_date
    from {{ ref('int_references_daily') }} as stored
    semi join {{ changes_of('base_pdd__orders') }} as orders
        on stored.member = orders.order_sn
    where stored.column_name = 'order_sn'

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
