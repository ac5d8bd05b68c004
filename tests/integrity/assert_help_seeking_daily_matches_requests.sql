-- What: help_seeking_daily, counted anew from the counted requests of
-- fct_help_requests. No tolerance.
-- When it matters: a request is counted twice, or one that must not count does.
-- How to resolve: list the requests of the failing mall, date, channel and
-- problem in fct_help_requests with not_counted_reason.
with

requests as (

    select * from {{ ref('fct_help_requests') }}
    where not_counted_reason is null

),

as_of_end as (

    select * from {{ ref('int_as_of_end') }}

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
    inner join as_of_end
        on cast(requests.request_at as date) <= as_of_end.as_of_end
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
