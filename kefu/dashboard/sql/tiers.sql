select
    tier,
    min_score
from dim_score_tiers
order by min_score
