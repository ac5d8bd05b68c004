{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_days',
            'touched_key': ['mall_id', 'service_date'],
        },
    )
}}

with

ratings as (

    select
        *,
        cast(created_at as date) as service_date
    from {{ only_touched(
        ref('stg_pdd__ratings'), by='int_touched_days',
        key={'mall_id': 'mall_id', 'created_at::date': 'service_date'}
    ) }}

),

added_up as (

    select
        case grouping(cs_uid) when 1 then 'mall' else 'agent' end as scope,
        mall_id,
        cs_uid,
        service_date,
        count(*) as rating_count,
        sum(score) as rating_sum,
        count(*) filter (score <= 3) as low_rating_count,
        count(*) filter (score >= 4) as satisfied_count,
        count(*) filter (score = 3) as fair_count,
        count(*) filter (score <= 2) as dissatisfied_count
    from ratings
    group by mall_id, service_date, rollup(cs_uid)

),

final as (

    select * from added_up
    where scope = 'mall' or cs_uid is not null

)

select * from final
