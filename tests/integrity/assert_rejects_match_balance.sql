-- What: the rejected rows counted by reason add up to those of the balance,
-- for each source and load date.
-- When it matters: a rejected row bears no reason or is missing from one of
-- the two tables, and whoever repairs the landing works from a short list.
-- How to resolve: look in stg_pdd__<source>_rejected for that date for rows
-- without a reason.
with

by_reason as (

    select
        source,
        load_date,
        cast(sum(rows) as bigint) as rows_rejected
    from {{ ref('data_quality_rejects') }}
    group by source, load_date

)

select
    balance.source,
    balance.load_date,
    by_reason.rows_rejected as rows_by_reason,
    balance.rows_rejected
from {{ ref('data_quality_balance') }} as balance
left join by_reason
    on
        balance.source = by_reason.source
        and balance.load_date = by_reason.load_date
where
    balance.rows_rejected is distinct from coalesce(by_reason.rows_rejected, 0)
