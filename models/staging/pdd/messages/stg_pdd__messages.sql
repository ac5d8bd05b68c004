{{ config(materialized='view') }}

with

final as (

    {{ select_stg_pdd__messages() }}

)

select * from final
