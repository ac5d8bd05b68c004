-- The modules of a mall's score: what each costs, and what is below it.
-- lost_points add up to 5 less the score.
select
    modules.module,
    modules.module_score,
    modules.module_score - earlier.module_score as change_7d,
    modules.weight / sum(modules.weight) over () as weight_share,
    weight_share * (5 - modules.module_score) as lost_points,
    modules.platform_help_percentile,
    modules.help_seeking_percentile,
    modules.platform_help_rate,
    modules.help_seeking_rate,
    help.grouped_orders_30d,
    help.help_orders_30d,
    help.platform_help_orders_30d
from experience_module_scores_30d as modules
inner join dim_score_modules
    on modules.module = dim_score_modules.module
left join experience_module_scores_30d as earlier
    on
        modules.mall_id = earlier.mall_id
        and modules.module = earlier.module
        and earlier.as_of_date = $as_of::date - 7
left join help_seeking_rate_30d as help
    on
        modules.mall_id = help.mall_id
        and modules.as_of_date = help.as_of_date
        and modules.module = help.module
where modules.mall_id = $mall_id and modules.as_of_date = $as_of
order by dim_score_modules.position
