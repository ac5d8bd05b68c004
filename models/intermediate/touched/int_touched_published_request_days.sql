-- Touched request days, and those that a moved as-of end brings in or takes out.
with

moved as (

    {{ moved_as_of_end() }}

),

final as (

    select
        mall_id,
        request_date
    from {{ ref('int_touched_request_days') }}
    union
    select
        requests.mall_id,
        requests.request_date
    from {{ ref('int_help_requests') }} as requests
    inner join moved
        on requests.request_date between moved.first_date and moved.last_date

)

select * from final
