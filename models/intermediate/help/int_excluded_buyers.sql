-- Without the days on which the rows were landed, so that a list which is
-- delivered again as it was changes nothing downstream.
{{
    config(
        materialized='incremental',
        meta={
            'changes': {'buyer_uid': 'varchar'},
        },
    )
}}

with

excluded_buyers as (

    select * from {{ ref('stg_pdd__excluded_buyers') }}

),

final as (

    select
        buyer_uid,
        mall_id,
        valid_from,
        valid_to
    from excluded_buyers
    group by all

)

select * from final
