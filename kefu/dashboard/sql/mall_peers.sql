-- How many malls the rank of a mall is among.
select count(*) as peers
from experience_score_30d as others
inner join experience_score_30d as own
    on
        others.as_of_date = own.as_of_date
        and others.score_status = 'scored'
        and (
            own.peer_scope = 'all' or others.category_name = own.category_name
        )
where
    own.mall_id = $mall_id
    and own.as_of_date = $as_of
    and own.score_status = 'scored'
