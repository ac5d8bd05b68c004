select
    module,
    weight
from dim_score_modules
order by position
