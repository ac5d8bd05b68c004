{{ config(materialized='view') }}

with

final as (

    {{ select_int_messages_replied() }}

)

select * from final
