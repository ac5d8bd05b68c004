-- What: every landed row is current, superseded or rejected, exactly one of
-- these, for each source and load date. The landed rows are counted from the
-- source, the others from the tables that they went to.
-- When it matters: a row is lost or doubled on its way through staging, and
-- every metric above may be wrong.
-- How to resolve: take the source and load date of a failing row, compare
-- base_pdd__<source> with its _duplicates and _rejected tables for that date,
-- and look for a key that is in two of them or in none.
select
    source,
    load_date,
    rows_landed,
    rows_current,
    rows_superseded,
    rows_rejected
from {{ ref('data_quality_balance') }}
where
    rows_landed
    is distinct from rows_current + rows_superseded + rows_rejected
