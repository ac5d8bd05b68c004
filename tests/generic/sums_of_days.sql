{% test sums_of_days(model, days, keys, apart) %}

{#- Counts and sums are known by their names. -#}
{%- set sums = "'(_buyers|_messages|_orders|_count|_units|_responses)$"
    ~ "|^(net_)?sales_amount$|_grouped_amount$|^late_|^messages_replied'" -%}

with

days as (

    select
        {{ keys | join(', ') }},
        service_date,
        columns({{ sums }})
    from (
        select * exclude ({{ apart | join(', ') }})
        from {{ days }}
    )

),

published as (

    select
        {{ keys | join(', ') }},
        as_of_date,
        columns({{ sums }})
    from (
        select * exclude ({{ apart | join(', ') }})
        from {{ model }}
    )

),

summed as (

    select
        {%- for key in keys %}
        published.{{ key }},
        {%- endfor %}
        published.as_of_date,
        coalesce(
            sum(columns(days.* exclude (
                {{ keys | join(', ') }}, service_date
            ))),
            0
        )
    from published
    left join days
        on
            days.service_date
            between published.as_of_date - 29 and published.as_of_date
            {%- for key in keys %}
            and published.{{ key }} = days.{{ key }}
            {%- endfor %}
    group by all

)

{{ rows_that_differ('summed', 'published') }}

{% endtest %}
