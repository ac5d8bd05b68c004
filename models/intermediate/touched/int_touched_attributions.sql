-- Orders that are other ones now, and those whose buyer's messages are on a day from
-- which they may be attributed.
with

-- An order is attributed from its confirm date and the days before it.
confirm_days as (

    select
        mall_id,
        buyer_uid,
        service_date
        + cast(unnest(range({{ var('conversion_window_days') }})) as integer)
            as confirm_date
    from {{ ref('int_touched_buyer_days') }}

),

final as (

    select
        order_sn,
        confirm_date
    from {{ changes_of('int_orders_classified') }}
    where confirm_date is not null
    union
    select
        stored.order_sn,
        stored.confirm_date
    from {{ touched_rows_of(
        ref('int_orders_classified'), 'confirm_days',
        ['mall_id', 'buyer_uid', 'confirm_date']
    ) }}

)

select * from final
