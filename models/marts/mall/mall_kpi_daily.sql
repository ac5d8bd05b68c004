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

complete_days as (

    {{ complete_days('mall') }}

),

final as (

    select
        mall_id,
        service_date,
        {{ is_conversion_final('as_of_end', 'service_date') }}
            as is_conversion_final,
        {{ is_response_final('as_of_end', 'service_date') }}
            as is_response_final,
        {{ mall_kpis() }}
    from complete_days

)

select * from final
