-- A buyer is being served from the first to the last message of a run of the
-- agent's messages with gaps under ten minutes. The most buyers at one moment
-- come from one running sum over starts (+1) and ends (-1); at the same moment
-- starts come first, because the runs are closed. Among equal starts, or equal ends,
-- the order cannot matter: the sum only rises, or only falls, through them.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_days',
            'touched_key': ['mall_id', 'service_date'],
        },
    )
}}

with

messages as (

    select
        *,
        epoch_ms(sent_at) as sent_ms
    from {{ only_touched(
        ref('int_messages_assessed'), by='int_touched_days',
        key=['mall_id', 'service_date']
    ) }}
    where sender = 'agent'

),

marked as (

    select
        *,
        lag(sent_ms) over serving as previous_ms,
        lead(sent_ms) over serving as next_ms
    from messages
    window serving as (
        partition by mall_id, cs_uid, service_date, buyer_uid
        order by position_that_day
    )

),

changes as (

    select
        mall_id,
        cs_uid,
        service_date,
        sent_ms,
        1 as change
    from marked
    where coalesce(sent_ms - previous_ms >= 600000, true)

    union all

    select
        mall_id,
        cs_uid,
        service_date,
        sent_ms,
        -1 as change
    from marked
    where coalesce(next_ms - sent_ms >= 600000, true)

),

concurrent as (

    select
        *,
        sum(change) over (
            partition by mall_id, cs_uid, service_date
            order by sent_ms asc, change desc
            rows unbounded preceding
        ) as buyers
    from changes

),

final as (

    select
        'agent' as scope,
        mall_id,
        cs_uid,
        service_date,
        cast(max(buyers) as bigint) as max_concurrent_buyers
    from concurrent
    group by mall_id, cs_uid, service_date

)

select * from final
