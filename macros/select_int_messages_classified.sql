{# The view int_messages_classified, and for only_touched its touched rows. #}
{% macro select_int_messages_classified(touched=none) -%}
with

messages as (

    select *
    from {% if touched -%}
            ({{ select_stg_pdd__messages(touched) }})
        {%- else -%}
            {{ ref('stg_pdd__messages') }}
        {%- endif %}

),

robot_periods as (

    select *
    from {% if touched -%}
            {{ below('intermediate', 'int_robot_periods') }}
        {%- else -%}
            {{ ref('int_robot_periods') }}
        {%- endif %}

),

recognised as (

    select
        messages.*,
        senders.cs_uid is not null as is_sent_by_roster_robot,
        assignees.cs_uid is not null as is_assigned_to_robot
    from messages
    left join robot_periods as senders
        on
            messages.mall_id = senders.mall_id
            and messages.cs_uid = senders.cs_uid
            and messages.service_date
            between senders.valid_from and senders.valid_to
    left join robot_periods as assignees
        on
            messages.mall_id = assignees.mall_id
            and messages.assigned_cs_uid = assignees.cs_uid
            and messages.service_date
            between assignees.valid_from and assignees.valid_to

),

classified as (

    select
        *,
        case
            when from_role = 'system' then 'system'
            when message_type in (24, 31, 1002) then 'system'
            when from_role = 'user' and is_spam then 'system'
            when from_role = 'user' then 'buyer'
            when
                cs_uid is not null
                and not is_sent_by_roster_robot
                and coalesce(template_name, '')
                not in ('mall_robot_text_msg', 'mall_answer_with_text')
                then 'agent'
            when template_name = 'mall_robot_text_msg' then 'robot'
            when is_sent_by_roster_robot then 'robot'
            else 'auto_reply'
        end as sender
    from recognised

),

final as (

    select
        mall_id,
        buyer_uid,
        msg_id,
        sender,
        order_sn,
        problem_code,
        buyer_text,
        sent_at,
        service_date,
        case when sender = 'agent' then cs_uid end as agent_cs_uid,
        case
            when sender = 'buyer' and not is_assigned_to_robot
                then assigned_cs_uid
        end as assigned_cs_uid,
        sender = 'buyer' and need_reply as asks_for_reply
    from classified
    where sender != 'system'

)

select * from final
{%- endmacro %}
