-- Each distinct text that can count is matched once, with constant patterns.
create or replace temp table matched_texts as
select
    hash(content) as text_hash,
    $problem_of_text as problem_code
from (
    select content
    from ($texts)
    where from_role = 'user' and problem_code is null and content is not null
    group by content
) as texts
where problem_code is not null;

create or replace temp table refund_versions as
select *
from ($refunds)
where
    id is not null
    and mall_id is not null
    and is_event(created_time, _loaded_at)
    and coalesce(liability in ('merchant', 'buyer', 'platform', 'none'), true)
    and not is_bad_amount(refund_amount);

create or replace temp table refunds as
with

successes as (

    select
        id,
        min(updated_time) as succeeded_at
    from refund_versions
    where after_sales_status = 10
    group by id

),

current_refunds as (

    select * from refund_versions
    qualify
        row_number() over (
            partition by id
            order by
                updated_time desc nulls last,
                _loaded_at desc,
                concat_ws(
                    chr(31), mall_id, id, coalesce(order_sn, ''),
                    coalesce(buyer_uid, ''),
                    coalesce(cast(after_sales_type as varchar), ''),
                    coalesce(cast(after_sales_status as varchar), ''),
                    coalesce(after_sale_reason, ''), coalesce(problem_code, ''),
                    epoch_ms(created_time) - 28800000,
                    coalesce(cast(epoch_ms(recreated_at) - 28800000 as varchar), ''),
                    coalesce(cast(epoch_ms(updated_time) - 28800000 as varchar), ''),
                    coalesce(
                        cast(epoch_ms(refund_success_time) - 28800000 as varchar), ''
                    ),
                    coalesce(cast(money_of_text(refund_amount) as varchar), ''),
                    coalesce(cast(dispute_refund_status as varchar), ''),
                    coalesce(cast(join_or_not as varchar), ''),
                    coalesce(liability, ''),
                    coalesce(cast(epoch_ms(sign_time) - 28800000 as varchar), '')
                ) desc
        ) = 1

)

select
    refunds.id,
    refunds.mall_id,
    refunds.order_sn,
    coalesce(refunds.buyer_uid, orders.buyer_uid) as buyer_uid,
    coalesce(refunds.problem_code, reasons.problem_code, 'unknown') as problem_code,
    refunds.liability,
    refunds.created_time as created_at,
    cast(
        coalesce(refunds.refund_success_time, successes.succeeded_at) as date
    ) as refund_date,
    coalesce(refunds.join_or_not = 1, false) as is_joined,
    coalesce(refunds.after_sales_status = 8, false) as is_with_platform
from current_refunds as refunds
left join successes using (id)
left join orders
    on refunds.order_sn = orders.order_sn and refunds.mall_id = orders.mall_id
left join refund_reasons as reasons on refunds.after_sale_reason = reasons.reason;

create or replace temp table complaints as
select * from ($complaints)
where
    complaint_id is not null
    and mall_id is not null
    and buyer_uid is not null
    and is_event(created_time, _loaded_at)
    and channel in ('platform_online_cs', 'platform_hotline', 'complaint')
    and coalesce(liability in ('merchant', 'buyer', 'platform', 'none'), true)
qualify
    row_number() over (
        partition by complaint_id
        order by
            _loaded_at desc,
            concat_ws(
                chr(31), complaint_id, mall_id, buyer_uid, coalesce(order_sn, ''),
                coalesce(cs_uid, ''), channel, coalesce(problem_code, ''),
                epoch_ms(created_time) - 28800000,
                coalesce(cast(is_valid as varchar), ''), coalesce(liability, '')
            ) desc
    ) = 1;

create or replace temp table excluded as
select
    buyer_uid,
    mall_id,
    coalesce(valid_from, date '0001-01-01') as first_day,
    coalesce(valid_to, date '9999-12-31') as last_day
from (
    select * from ($excluded_buyers)
    where buyer_uid is not null and _loaded_at is not null
    qualify
        row_number() over (
            partition by mall_id, buyer_uid, valid_from
            order by
                _loaded_at desc,
                concat_ws(
                    chr(31), coalesce(mall_id, ''), buyer_uid,
                    coalesce(cast(valid_from as varchar), ''),
                    coalesce(cast(valid_to as varchar), '')
                ) desc
        ) = 1
) as lists;

create or replace temp table requests as
with

chats as (

    select
        senders.conversation,
        senders.day,
        coalesce(senders.problem_code, matched_texts.problem_code) as problem_code,
        min(senders.sent_at) as request_at,
        arg_min(senders.order_sn, (senders.sent_at, senders.msg_id))
            filter (senders.order_sn is not null) as order_sn
    from senders
    left join matched_texts using (text_hash)
    where
        senders.sender = 1
        and coalesce(senders.problem_code, matched_texts.problem_code) is not null
    group by all

),

gathered as (

    select
        'merchant_chat' as channel,
        buyer_keys.buyer_key || '|' || chats.day || '|' || chats.problem_code
            as source_key,
        buyer_keys.mall_id,
        buyer_keys.buyer_uid,
        buyer_keys.buyer_key,
        chats.order_sn,
        chats.problem_code,
        cast(null as varchar) as liability,
        true as is_valid,
        chats.request_at
    from chats
    inner join buyer_keys using (conversation)
    union all
    select
        unnest(
            case
                when is_joined or is_with_platform
                    then ['merchant_after_sales', 'platform_intervention']
                else ['merchant_after_sales']
            end
        ),
        id, mall_id, buyer_uid, $buyer_key, order_sn, problem_code, liability, true,
        created_at
    from refunds
    union all
    select
        channel, complaint_id, mall_id, buyer_uid, $buyer_key, order_sn,
        coalesce(problem_code, 'unknown'), liability, coalesce(is_valid, true),
        created_time
    from complaints

),

dated as (

    select
        *,
        md5(channel || '|' || mall_id || '|' || source_key) as help_request_id,
        cast(request_at as date) as request_date
    from gathered

),

excluded_requests as (

    select distinct dated.help_request_id
    from dated
    inner join excluded
        on
            dated.buyer_uid = excluded.buyer_uid
            and coalesce(excluded.mall_id, dated.mall_id) = dated.mall_id
            and dated.request_date between excluded.first_day and excluded.last_day

),

latest_orders as (

    select
        dated.help_request_id,
        arg_max(orders.order_sn, (orders.confirmed_at, orders.order_sn)) as order_sn
    from dated
    inner join orders
        on
            dated.mall_id = orders.mall_id
            and dated.buyer_uid = orders.buyer_uid
            and dated.request_at >= orders.confirmed_at
            and dated.request_date <= orders.after_sales_until
    where dated.order_sn is null and orders.is_grouped
    group by dated.help_request_id

)

select
    dated.* exclude (order_sn, liability, source_key),
    coalesce(dated.order_sn, latest_orders.order_sn) as request_order_sn,
    excluded_requests.help_request_id is not null as is_excluded,
    orders.confirm_date,
    coalesce(problems.module, 'unknown') as module,
    case
        when problems.is_routine then 'routine'
        when excluded_requests.help_request_id is not null then 'excluded_buyer'
        when not dated.is_valid then 'invalid_complaint'
        when dated.liability in ('buyer', 'platform', 'none')
            then 'not_merchant_liable'
        when request_order_sn is null then 'no_order'
        when orders.order_sn is null then 'unknown_order'
        when orders.is_abnormal then 'abnormal_order'
        when not orders.is_grouped then 'order_not_grouped'
        when dated.request_at < orders.confirmed_at then 'before_group'
    end as not_counted_reason,
    dated.channel not in ('merchant_chat', 'merchant_after_sales') as is_platform
from dated
left join latest_orders using (help_request_id)
left join excluded_requests using (help_request_id)
left join orders
    on
        dated.mall_id = orders.mall_id
        and coalesce(dated.order_sn, latest_orders.order_sn) = orders.order_sn
left join problems on dated.problem_code = problems.problem_code;

create or replace table marts.fct_help_requests as
select
    help_request_id,
    mall_id,
    buyer_key,
    request_order_sn as order_sn,
    channel,
    module,
    problem_code,
    not_counted_reason,
    is_platform,
    not_counted_reason is null as is_counted,
    request_date,
    request_at
from requests;

create or replace table marts.help_seeking_daily as
select
    mall_id,
    request_date,
    channel,
    problem_code,
    count(*) as help_requests,
    count(distinct request_order_sn) as help_orders
from requests
where
    not_counted_reason is null
    and request_date <= (select as_of_end from as_of)
group by all;
