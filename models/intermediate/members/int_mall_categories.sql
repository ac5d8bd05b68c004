-- Apart from what else is told of a mall: with another category all malls have
-- other peers on every date, with another name none has.
{{
    config(
        materialized='incremental',
        meta={
            'changes': {'mall_id': 'varchar'},
        },
    )
}}

with

final as (

    select
        mall_id,
        category_name
    from {{ ref('int_malls_categorized') }}

)

select * from final
