{{
    config(
        materialized='incremental',
        meta={
            'changes': {'as_of_end': 'date'},
        },
    )
}}

with

newest_load as (

    -- _loaded_at is UTC; its local day is still running when it was landed.
    select
        cast(
            {{ local_time_of_utc('max(newest_accepted_loaded_at)') }} as date
        ) - 1 as last_complete_day
    from {{ ref('stg_pdd__loads') }}
    where source in ('messages', 'orders')

),

final as (

    -- least() passes over a null: a var that is not set moves nothing, and one
    -- that is can move the end back, but make none where there is no data.
    select
        last_complete_day,
        case
            when last_complete_day is not null
                then
                    least(
                        last_complete_day,
                        {% if var('as_of_date') is none -%}
                            cast(null as date)
                        {%- else -%}
                            cast('{{ var("as_of_date") }}' as date)
                        {%- endif %}
                    )
        end as as_of_end
    from newest_load

)

select * from final
