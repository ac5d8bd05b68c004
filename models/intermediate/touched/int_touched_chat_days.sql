-- Days of a buyer on which a message lies that came, changed or went, in any of
-- its versions.
with

touched as (

    select * from {{ rows_of_changed_keys(
        'base_pdd__messages', ['mall_id', 'buyer_uid', 'sent_at']
    ) }}

),

final as (

    select
        mall_id,
        buyer_uid,
        cast(sent_at as date) as service_date
    from touched
    where
        mall_id is not null
        and buyer_uid is not null
        and sent_at is not null
    group by mall_id, buyer_uid, service_date

)

select * from final
