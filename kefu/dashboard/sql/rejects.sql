select
    source,
    reason,
    sum(rows)::bigint as rows,
    min(load_date) as first_load,
    max(load_date) as last_load
from data_quality_rejects
group by all
order by rows desc, source, reason
