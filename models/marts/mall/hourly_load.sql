{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_published_days',
            'touched_key': ['mall_id', 'service_date'],
        },
    )
}}

with

messages as (

    select * from {{ only_touched(
        ref('int_messages_assessed'), by='int_touched_published_days',
        key=['mall_id', 'service_date']
    ) }}

),

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

),

added_up as (

    select
        mall_id,
        service_date,
        hour(sent_at) as hour_of_day,
        count(*) as messages,
        count(*) filter (sender = 'buyer') as buyer_messages,
        count(*) filter (sender = 'agent') as agent_messages,
        count(distinct buyer_uid) filter (sender = 'buyer') as buyers,
        count(distinct cs_uid) filter (sender = 'agent') as active_agents,
        count(*) filter (is_assessed) as assessed_messages,
        count(*) filter ({{ is_replied_within(30000) }}) as messages_replied_30s
    from messages
    group by all

),

final as (

    select
        added_up.*,
        added_up.messages_replied_30s / nullif(added_up.assessed_messages, 0)
            as reply_rate_30s,
        added_up.buyers / nullif(added_up.active_agents, 0)
            as buyers_per_active_agent
    from added_up
    inner join as_of_end
        on added_up.service_date <= as_of_end.as_of_end

)

select * from final
