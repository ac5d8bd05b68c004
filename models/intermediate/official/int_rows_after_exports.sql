-- Of all rows few were landed after any export that holds their day: these alone
-- are looked for in every period (int_official_late_rows).
{%- set by = 'int_touched_exported_days' %}
{{
    config(
        materialized='incremental',
        meta={'touched_by': by, 'touched_key': ['source', 'date_day']},
    )
}}

with

events as (

    {% for table, day in [
        ('messages', 'service_date'), ('orders', 'created_at::date'),
        ('refunds', 'created_at::date'), ('complaints', 'created_at::date'),
        ('ratings', 'created_at::date'),
    ] %}
        select
            '{{ table }}' as source,
            mall_id,
            {{ day }} as date_day,
            loaded_at
        from {{ only_touched(
            ref('stg_pdd__' ~ table), by=by, key={day: 'date_day'},
            listed={'source': table}
        ) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        events.source,
        events.mall_id,
        events.date_day,
        events.loaded_at,
        count(*) as rows
    from events
    inner join {{ ref('int_official_first_exports') }} as first_exports
        on
            events.mall_id = first_exports.mall_id
            and events.date_day = first_exports.date_day
            and events.loaded_at > first_exports.loaded_at
    group by all

)

select * from final
