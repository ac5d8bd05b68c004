-- Of an order's columns those that decide grouping, and those that reject it.
create or replace temp table order_rows as
select
    hash(order_sn) as key_hash,
    order_sn,
    mall_id,
    buyer_uid,
    confirm_time as confirmed_at,
    receive_time as received_at,
    cast(group_status = 1 and confirm_status = 1 as boolean) as is_confirmed,
    coalesce(risk_control_status = 1, false) as is_reviewed,
    coalesce(is_lucky_flag = 2, false) as is_lottery,
    _loaded_at as loaded_at,
    -- The newest by both: null is the oldest.
    coalesce(cast(epoch_ms(updated_at) as hugeint), -(1::hugeint << 60))
    * (1::hugeint << 62)
    + epoch_us(_loaded_at) as version
from ($orders)
where
    order_sn is not null
    and mall_id is not null
    and is_event(created_time, _loaded_at)
    and not is_bad_amount(pay_amount)
    and not is_bad_count(goods_count);

create or replace temp table newest_orders as
select
    order_rows.*,
    hash(
        mall_id, buyer_uid, confirmed_at, received_at, is_confirmed, is_reviewed,
        is_lottery
    ) as meaning
from order_rows
inner join (
    select
        key_hash,
        max(version) as version
    from order_rows
    group by key_hash
) as newest
    on order_rows.key_hash = newest.key_hash and order_rows.version = newest.version;

create or replace temp table tied_orders as
select key_hash
from newest_orders
group by key_hash
having count(*) > 1;

select error('two order numbers share a hash')
from order_rows
group by key_hash
having min(order_sn) != max(order_sn);

create or replace temp table contested_orders as
select key_hash
from newest_orders
where key_hash in (select key_hash from tied_orders)
group by key_hash
having count(distinct meaning) > 1;
