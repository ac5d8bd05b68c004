-- Sources of which no row counts, of all malls or of one: of a source that never
-- came the balance has no current row, of a mall that never had one there are no
-- days. $mall_id: NULL asks for all malls.
with

sources as (

    select unnest(['messages', 'orders', 'refunds', 'complaints', 'ratings'])
        as source

),

came as (

    select source
    from data_quality_balance
    where $mall_id is null and rows_current > 0
    union
    select source
    from data_completeness
    where mall_id = $mall_id

)

select source
from sources
where source not in (select source from came)
order by source
