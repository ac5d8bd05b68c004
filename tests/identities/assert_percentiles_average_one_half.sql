-- What: half-tie percentiles average 0.5 over the malls compared with each
-- other, and a sole mall has 0.5: for each benchmark by category, and for the
-- score and its modules wherever the whole peer group shows its own
-- percentiles (a category that is its own peer group, or all malls when no
-- category is). Averages are compared to ten digits: they are sums of
-- fractions.
-- When it matters: a mall is missing from its own peer group, is counted
-- twice, or ties are not shared.
-- How to resolve: list the malls of the failing group; their percentiles must
-- be (malls beaten + half of the ties) / (malls - 1).
with

scores as (

    select
        *,
        bool_and(peer_scope = 'all') over (partition by as_of_date)
            as is_one_group
    from {{ ref('experience_score_30d') }}
    where score_status = 'scored'

),

placed as (

    select
        as_of_date,
        'experience_score' as figure,
        case when peer_scope = 'all' then 'all' else category_name end
            as peer_group,
        category_percentile as percentile
    from scores
    where peer_scope = 'category' or is_one_group

    union all

    select
        scores.as_of_date,
        modules.module || ' ' || figures.name as figure,
        case
            when scores.peer_scope = 'all' then 'all'
            else scores.category_name
        end as peer_group,
        case figures.name
            when 'platform_help_rate' then modules.platform_help_percentile
            else modules.help_seeking_percentile
        end as percentile
    from scores
    inner join {{ ref('experience_module_scores_30d') }} as modules
        on
            scores.mall_id = modules.mall_id
            and scores.as_of_date = modules.as_of_date
    cross join (
        values ('platform_help_rate'), ('help_seeking_rate')
    ) as figures (name)
    where scores.peer_scope = 'category' or scores.is_one_group

    union all

    select
        as_of_date,
        metric as figure,
        category_name as peer_group,
        category_percentile as percentile
    from {{ ref('mall_benchmarks_30d') }}

)

select
    as_of_date,
    figure,
    peer_group,
    count(*) as malls,
    avg(percentile) as average_percentile
from placed
group by as_of_date, figure, peer_group
having
    count(percentile) < count(*)
    or round(avg(percentile), 10) != 0.5
