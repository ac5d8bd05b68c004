select
    problem_code,
    module,
    name_zh,
    name_en
from dim_problems
order by problem_code
