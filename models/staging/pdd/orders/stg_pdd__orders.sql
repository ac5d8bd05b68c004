{{ config(materialized='view') }}

with

final as (

    {{ select_stg_pdd__orders() }}

)

select * from final
