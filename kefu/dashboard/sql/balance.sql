-- Landed rows by source: what became of them. The books balance to the row.
select
    source,
    count(*) as loads,
    min(load_date) as first_load,
    max(load_date) as last_load,
    sum(rows_landed)::bigint as rows_landed,
    sum(rows_current)::bigint as rows_current,
    sum(rows_superseded)::bigint as rows_superseded,
    sum(rows_rejected)::bigint as rows_rejected,
    sum(rows_landed - rows_current - rows_superseded - rows_rejected)::bigint
        as difference
from data_quality_balance
group by source
order by source
