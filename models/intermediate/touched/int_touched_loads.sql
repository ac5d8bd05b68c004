-- Load dates of which rows came or went, or were superseded by what came, and
-- those whose books would not balance: these are looked at until they do.
with

{% for table in pdd_tables() %}
    {{ table }}_loads as (

        select load_date
        from {{ rows_of_changed_keys('base_pdd__' ~ table, ['load_date']) }}

    ),
{% endfor %}

final as (

    {% for table in pdd_tables() %}
        select
            '{{ table }}' as source,
            load_date
        from {{ table }}_loads
        union
    {% endfor %}
    select
        source,
        load_date
    from {{ ref('stg_pdd__loads') }}
    where rows_landed != rows_typed

)

select * from final
