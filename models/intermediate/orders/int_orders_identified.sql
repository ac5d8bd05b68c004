{{ config(materialized='view') }}

with

final as (

    {{ select_int_orders_identified() }}

)

select * from final
