-- One window over the days of every buyer, not over his messages. Only days that
-- something reaches are kept: most need nothing but themselves.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_buyer_days',
            'touched_key': ['mall_id', 'buyer_uid'],
            'changes': {
                'mall_id': 'varchar',
                'buyer_uid': 'varchar',
                'service_date': 'date',
            },
        },
    )
}}

with

buyer_days as (

    select * from {{ only_touched(
        ref('int_buyer_days'), by='int_touched_buyer_days',
        key=['mall_id', 'buyer_uid']
    ) }}

),

windowed as (

    select
        mall_id,
        buyer_uid,
        service_date,
        is_robot_only,
        is_left_unanswered,
        lag(last_turn ignore nulls) over buyer as previous_turn,
        lead(first_agent_at ignore nulls) over buyer as next_agent_at,
        lead(first_cs_uid ignore nulls) over buyer as next_cs_uid
    from buyer_days
    window buyer as (partition by mall_id, buyer_uid order by service_date)

),

reached as (

    -- A message of the day's last millisecond may be answered until the horizon
    -- after it.
    select
        *,
        coalesce(previous_turn = 'ask', false) as is_round_open,
        is_left_unanswered
        and coalesce(
            epoch_ms(next_agent_at) - epoch_ms(cast(service_date + 1 as timestamp))
            < {{ reply_horizon_ms() }},
            false
        ) as is_answered_later
    from windowed

),

final as (

    select
        mall_id,
        buyer_uid,
        service_date,
        is_robot_only,
        is_round_open,
        case when is_answered_later then next_agent_at end as next_agent_at,
        case when is_answered_later then next_cs_uid end as next_cs_uid
    from reached
    where is_robot_only or is_round_open or is_answered_later
    {{ lay_by_day('service_date') }}

)

select * from final
