{{ config(materialized='view') }}

with

final as (

    {{ select_stg_pdd__refunds() }}

)

select * from final
