{%- set touched = {'by': 'int_touched_days', 'key': ['mall_id', 'service_date']} %}
{{ config(
    materialized='incremental',
    meta={'touched_by': touched.by, 'touched_key': touched.key},
) }}

with

consultations as (

    select * from {{ only_touched(ref('int_consultations'), **touched) }}

),

agent_buyer_days as (

    select * from {{ only_touched(ref('int_response_buyer_days'), **touched) }}
    where scope = 'agent' and agent_messages > 0

),

attributed_buyer_days as (

    select
        mall_id,
        buyer_uid,
        attributed_cs_uid as cs_uid,
        attributed_consult_date as service_date
    from {{ only_touched(
        ref('int_order_attributions'), by='int_touched_days',
        key={'mall_id': 'mall_id', 'attributed_consult_date': 'service_date'}
    ) }}
    group by all

),

mall_days as (

    select
        'mall' as scope,
        mall_id,
        cast(null as varchar) as cs_uid,
        service_date,
        count(*) filter (is_robot_only) as robot_only_buyers,
        count(*) filter (is_after_sales_consult) as after_sales_consult_buyers,
        count(*) filter (is_inquiry) as inquiry_buyers,
        count(*) filter (is_converted) as converted_inquiry_buyers,
        count(*) filter (is_converted) as final_group_buyers
    from consultations
    group by mall_id, service_date

),

agent_days as (

    select
        'agent' as scope,
        agent_buyer_days.mall_id,
        agent_buyer_days.cs_uid,
        agent_buyer_days.service_date,
        count(*) as inquiry_buyers,
        count(*) filter (
            consultations.is_converted
            and attributed_buyer_days.buyer_uid is not null
        ) as converted_inquiry_buyers
    from agent_buyer_days
    inner join consultations
        on
            agent_buyer_days.mall_id = consultations.mall_id
            and agent_buyer_days.buyer_uid = consultations.buyer_uid
            and agent_buyer_days.service_date = consultations.service_date
            and consultations.is_inquiry
    left join attributed_buyer_days
        on
            agent_buyer_days.mall_id = attributed_buyer_days.mall_id
            and agent_buyer_days.buyer_uid = attributed_buyer_days.buyer_uid
            and agent_buyer_days.cs_uid = attributed_buyer_days.cs_uid
            and agent_buyer_days.service_date
            = attributed_buyer_days.service_date
    group by all

),

agent_final_group_buyers as (

    select
        'agent' as scope,
        mall_id,
        cs_uid,
        service_date,
        count(*) as final_group_buyers
    from attributed_buyer_days
    group by all

),

final as (

    select * from mall_days
    union all by name
    select * from agent_days
    union all by name
    select * from agent_final_group_buyers

)

select * from final
