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

    {{ complete_days('shift') }}

),

final as (

    select
        mall_id,
        cs_uid,
        service_date,
        shift_name,
        {{ response_kpis() }}
    from complete_days

)

select * from final
