-- Rosters have no days, and how many services a firm reviews is its own choice:
-- of these nothing can be expected.
{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_source_days',
            'touched_key': ['source', 'date_day'],
        },
    )
}}

with

events as (

    select
        'messages' as source,
        mall_id,
        service_date as date_day
    from {{ only_touched(
        ref('stg_pdd__messages'), by='int_touched_source_days',
        key={'service_date': 'date_day'}, listed={'source': 'messages'}
    ) }}
    union all
    select
        'orders' as source,
        mall_id,
        cast(created_at as date) as date_day
    from {{ only_touched(
        ref('stg_pdd__orders'), by='int_touched_source_days',
        key={'created_at::date': 'date_day'}, listed={'source': 'orders'}
    ) }}
    union all
    select
        'refunds' as source,
        mall_id,
        cast(created_at as date) as date_day
    from {{ only_touched(
        ref('stg_pdd__refunds'), by='int_touched_source_days',
        key={'created_at::date': 'date_day'}, listed={'source': 'refunds'}
    ) }}
    union all
    select
        'complaints' as source,
        mall_id,
        cast(created_at as date) as date_day
    from {{ only_touched(
        ref('stg_pdd__complaints'), by='int_touched_source_days',
        key={'created_at::date': 'date_day'}, listed={'source': 'complaints'}
    ) }}
    union all
    select
        'ratings' as source,
        mall_id,
        cast(created_at as date) as date_day
    from {{ only_touched(
        ref('stg_pdd__ratings'), by='int_touched_source_days',
        key={'created_at::date': 'date_day'}, listed={'source': 'ratings'}
    ) }}

),

final as (

    select
        case grouping(events.mall_id) when 1 then 'all' else 'mall' end
            as scope,
        events.mall_id,
        events.source,
        events.date_day,
        count(*) as rows
    from events
    inner join {{ ref('int_as_of_end') }} as as_of_end
        on events.date_day <= as_of_end.as_of_end
    group by events.source, events.date_day, rollup(events.mall_id)

)

select * from final
