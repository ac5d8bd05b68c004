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

responses as (

    select * from {{ only_touched(
        ref('int_response_buyer_days'), by='int_touched_published_days',
        key=['mall_id', 'service_date']
    ) }}
    where scope = 'mall'

),

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

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
        {{ is_conversion_final(
            'as_of_end.as_of_end', 'consultations.service_date'
        ) }}
            as is_conversion_final,
        {{ is_response_final(
            'as_of_end.as_of_end', 'consultations.service_date'
        ) }}
            as is_response_final,
        cast(consultations.agents_involved as bigint) as agents_involved
    from {{ only_touched(
        ref('int_consultations'), by='int_touched_published_days',
        key=['mall_id', 'service_date']
    ) }} as consultations
    inner join responses
        on
            consultations.mall_id = responses.mall_id
            and consultations.buyer_uid = responses.buyer_uid
            and consultations.service_date = responses.service_date
    cross join as_of_end

)

select * from final
