select
    metric,
    name_zh,
    name_en,
    unit,
    is_higher_better,
    source_mark,
    definition,
    kind,
    numerator,
    denominator,
    agent_numerator,
    agent_denominator,
    is_estimate
from dim_metrics
order by metric
