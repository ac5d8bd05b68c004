-- Names become numbers once, so that all that follows compares and sorts numbers.
create or replace temp table cs_names as
select
    cast(row_number() over (order by cs_uid) as integer) as cs,
    cs_uid
from (
    select cs_uid from ($message_names)
    union
    select assigned_cs_uid from ($message_names)
) as named
where cs_uid is not null;

create or replace temp table mall_names as
select
    cast(row_number() over (order by mall_id) as integer) as mall,
    mall_id
from ($message_malls)
where mall_id is not null
group by mall_id;

drop type if exists cs_name;
drop type if exists mall_name;
create temp type cs_name as enum (select cs_uid from cs_names order by cs);
create temp type mall_name as enum (select mall_id from mall_names order by mall);

-- One read of the narrow columns. The text is seen as a hash and never written.
create or replace temp table message_rows as
select
    hash(mall_id, msg_id) as key_hash,
    hash(mall_id, buyer_uid) as conversation,
    cast(enum_code(cast(mall_id as mall_name)) + 1 as integer) as mall,
    cast(enum_code(cast(cs_uid as cs_name)) + 1 as integer) as cs,
    cast(enum_code(cast(assigned_cs_uid as cs_name)) + 1 as integer) as assigned,
    msg_id,
    buyer_uid,
    ts as sent_at,
    _loaded_at as loaded_at,
    cast(
        case
            when from_role = 'system' or type in (24, 31, 1002) then 0
            when from_role = 'user' and is_spam then 0
            when from_role = 'user' then 1
            when template_name = 'mall_robot_text_msg' then 3
            when cs_uid is null or template_name = 'mall_answer_with_text' then 4
            else 2
        end as utinyint
    ) as kind,
    from_role = 'user' and coalesce(need_reply, true) as asks,
    case when from_role = 'user' then order_sn end as order_sn,
    case when from_role = 'user' then problem_code end as problem_code,
    case when from_role = 'user' and problem_code is null then hash(content) end
        as text_hash
from ($messages)
where
    mall_id is not null
    and msg_id is not null
    and buyer_uid is not null
    and is_event(ts, _loaded_at)
    and from_role in ('user', 'mall_cs', 'system');
