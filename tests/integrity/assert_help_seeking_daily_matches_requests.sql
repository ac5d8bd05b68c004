-- What: help_seeking_daily, counted anew from the counted requests of
-- fct_help_requests. No tolerance.
-- When it matters: a request is counted twice, or one that must not count does.
-- How to resolve: list the requests of the failing mall, date, channel and
-- problem in fct_help_requests with not_counted_reason.
with

requests as (

    select * from {{ ref('fct_help_requests') }}
    where
        not_counted_reason is null
        and cast(request_at as date) <= (
            select end_row.as_of_end
            from {{ ref('int_as_of_end') }} as end_row
        )

),

recounted as (

    select
        mall_id,
        cast(request_at as date) as request_date,
        channel,
        problem_code,
        count(*) as help_requests,
        count(distinct order_sn) as help_orders
    from requests
    group by mall_id, cast(request_at as date), channel, problem_code

),

published as (

    select
        mall_id,
        request_date,
        channel,
        problem_code,
        help_requests,
        help_orders
    from {{ ref('help_seeking_daily') }}

)

{{ rows_that_differ('recounted', 'published') }}
