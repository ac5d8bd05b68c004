{# The view stg_pdd__messages, and for only_touched its touched rows. #}
{% macro select_stg_pdd__messages(touched=none) -%}
with

current_versions as (

    {{ current_versions('messages', touched) }}

),

final as (

    select
        mall_id,
        msg_id,
        buyer_uid,
        cs_uid,
        assigned_cs_uid,
        order_sn,
        from_role,
        template_name,
        problem_code,
        case
            when from_role = 'user' and problem_code is null then content
        end as buyer_text,
        coalesce(message_type, 0) as message_type,
        coalesce(need_reply, true) as need_reply,
        coalesce(is_spam, false) as is_spam,
        sent_at,
        service_date,
        loaded_at,
        load_date
    from current_versions

)

select * from final
{%- endmacro %}
