{{ config(materialized='view') }}

with

final as (

    {{ select_int_messages_classified() }}

)

select * from final
