-- Days of each source on which rows lie that came or went, and those that a
-- moved as-of end brings in or takes out.
{%- set times = {
    'messages': 'service_date',
    'orders': 'created_at',
    'refunds': 'created_at',
    'complaints': 'created_at',
    'ratings': 'created_at',
} %}

with

moved as (

    {{ moved_as_of_end() }}

),

{% for table, time in times.items() %}
    {{ table }}_days as (

        select cast({{ time }} as date) as date_day
        from {{ rows_of_changed_keys('base_pdd__' ~ table, [time]) }}
        union
        select cast(versions.{{ time }} as date) as date_day
        from {{ ref('base_pdd__' ~ table) }} as versions
        inner join moved
            -- Not of the time cut to a day: of that the engine knows no bounds.
            on
                versions.{{ time }} >= moved.first_date
                and versions.{{ time }} < moved.last_date + 1

    ),
{% endfor %}

final as (

    {% for table in times %}
        select
            '{{ table }}' as source,
            date_day
        from {{ table }}_days
        where date_day is not null
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from final
