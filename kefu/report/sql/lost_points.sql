-- What the modules cost the malls that have a score: points of 5, on average.
with

lost as (

    select
        modules.mall_id,
        modules.module,
        modules.weight
        / sum(modules.weight) over (partition by modules.mall_id)
        * (5 - modules.module_score) as lost_points
    from experience_module_scores_30d as modules
    inner join experience_score_30d as scores
        on
            modules.mall_id = scores.mall_id
            and modules.as_of_date = scores.as_of_date
            and scores.score_status = 'scored'
    where modules.as_of_date = $as_of

),

costliest as (

    select
        costliest_module as module,
        count(*) as malls
    from experience_score_30d
    where as_of_date = $as_of and score_status = 'scored'
    group by all

)

select
    lost.module,
    avg(lost.lost_points) as lost_points,
    coalesce(any_value(costliest.malls), 0) as malls
from lost
left join costliest on lost.module = costliest.module
group by lost.module
order by lost_points desc, lost.module
