select
    source,
    column_name,
    issue,
    sum(rows)::bigint as rows,
    max(load_date) as last_load
from data_quality_issues
group by all
order by rows desc, source, column_name, issue
