-- What: the accepted rows counted before versions compete are the current
-- rows and the superseded ones after, for each source and load date.
-- When it matters: rejection and the choice of versions disagree on a row,
-- although the totals of the balance may still fit.
-- How to resolve: compare the rows of base_pdd__<source> without a reason with
-- stg_pdd__<source> and the duplicates of rank 2 and more for that date.
select
    balance.source,
    balance.load_date,
    loads.rows_accepted,
    balance.rows_current,
    balance.rows_superseded
from {{ ref('data_quality_balance') }} as balance
left join {{ ref('stg_pdd__loads') }} as loads
    on
        balance.source = loads.source
        and balance.load_date = loads.load_date
where
    loads.rows_accepted
    is distinct from balance.rows_current + balance.rows_superseded
