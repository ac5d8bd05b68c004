with

responses as (

    select * from {{ ref('int_response_buyer_days') }}
    where scope = 'mall'

),

final as (

    select
        consultations.mall_id,
        {{ buyer_key('consultations.mall_id', 'consultations.buyer_uid') }}
            as buyer_key,
        consultations.service_date,
        responses.is_assessed,
        consultations.is_robot_only,
        responses.is_late_3min,
        responses.is_late_5min,
        responses.is_ineffective,
        responses.first_response_ms / 1000.0 as first_response_seconds,
        consultations.is_after_sales_consult,
        consultations.is_inquiry,
        consultations.is_converted,
        consultations.is_conversion_final,
        consultations.is_response_final,
        cast(consultations.agents_involved as bigint) as agents_involved
    from {{ ref('int_consultations') }} as consultations
    inner join responses
        on
            consultations.mall_id = responses.mall_id
            and consultations.buyer_uid = responses.buyer_uid
            and consultations.service_date = responses.service_date

)

select * from final
