create or replace temp table lost_messages as
with

whole as (

    select
        *,
        hash(mall_id, msg_id) as key_hash
    from ($contested_messages)
    where
        hash(mall_id, msg_id) in (select key_hash from contested_messages)
        and buyer_uid is not null
        and is_event(ts, _loaded_at)
        and from_role in ('user', 'mall_cs', 'system')

),

last_forms as (

    select
        key_hash,
        hash(
            buyer_uid,
            cast(
                case
                    when from_role = 'system' or type in (24, 31, 1002) then 0
                    when from_role = 'user' and is_spam then 0
                    when from_role = 'user' then 1
                    when template_name = 'mall_robot_text_msg' then 3
                    when cs_uid is null or template_name = 'mall_answer_with_text'
                        then 4
                    else 2
                end as utinyint
            ),
            cast(enum_code(cast(cs_uid as cs_name)) + 1 as integer),
            cast(enum_code(cast(assigned_cs_uid as cs_name)) + 1 as integer),
            ts,
            from_role = 'user' and coalesce(need_reply, true),
            case when from_role = 'user' then order_sn end,
            case when from_role = 'user' then problem_code end,
            case when from_role = 'user' and problem_code is null
                then hash(content) end
        ) as meaning
    from whole
    qualify
        row_number() over (
            partition by key_hash
            order by
                _loaded_at desc,
                concat_ws(
                    chr(31), mall_id, msg_id, buyer_uid, from_role,
                    coalesce(cs_uid, ''), coalesce(assigned_cs_uid, ''),
                    coalesce(cast(type as varchar), ''),
                    coalesce(template_name, ''), coalesce(content, ''),
                    epoch_ms(ts) - 28800000,
                    coalesce(cast(need_reply as varchar), ''),
                    coalesce(cast(is_spam as varchar), ''),
                    coalesce(order_sn, ''), coalesce(problem_code, '')
                ) desc
        ) = 1

)

select candidates.row_number
from message_candidates as candidates
left join last_forms using (key_hash)
qualify
    row_number() over (
        partition by candidates.key_hash
        order by
            candidates.is_newest desc,
            candidates.meaning = last_forms.meaning desc
    ) > 1;
