-- A quantile over 30 days is a place in the order of all their responses. Counts of
-- coarse classes say in which class it lies, counts of finer ones in which part of
-- that, and only the responses of that part are sorted. Each step joins days to
-- blocks of 30, so that a date never meets more than two of them.
create or replace temp table answers as
with answered as (
    select
        mall,
        cs,
        day,
        cast(response_ms as integer) as ms,
        cast(floor(log2(response_ms + 1) * 16) as smallint) as class
    from assessed
    where is_assessed and response_ms is not null
)
select mall, cs, day, datediff('day', date '2015-01-01', day) // 30 as block, ms, class
from answered
where cs is not null
union all
select mall, -1, day, datediff('day', date '2015-01-01', day) // 30, ms, class
from answered;

create or replace temp table fine_counts as
select
    mall,
    cs,
    block,
    day,
    class,
    class >> 3 as coarse,
    count(*) as answers
from answers
group by mall, cs, block, day, class;

create or replace temp table coarse_counts as
select
    mall,
    cs,
    block,
    day,
    coarse,
    cast(sum(answers) as bigint) as answers
from fine_counts
group by mall, cs, block, day, coarse;

create or replace temp table dates as
select
    mall,
    coalesce(cs, -1) as cs,
    as_of_date,
    datediff('day', date '2015-01-01', as_of_date) // 30 - unnest([0, 1]) as block
from entity_dates;

create or replace temp table coarse_targets as
with

summed as (

    select
        dates.mall,
        dates.cs,
        dates.as_of_date,
        counts.coarse,
        cast(sum(counts.answers) as bigint) as answers
    from dates
    inner join coarse_counts as counts
        on
            dates.mall = counts.mall
            and dates.cs = counts.cs
            and dates.block = counts.block
            and counts.day between dates.as_of_date - 29 and dates.as_of_date
    group by dates.mall, dates.cs, dates.as_of_date, counts.coarse

),

placed as (

    select
        *,
        sum(answers) over (
            partition by mall, cs, as_of_date
            order by coarse
            rows unbounded preceding
        ) - answers as before,
        sum(answers) over (partition by mall, cs, as_of_date) as total
    from summed

),

wanted as (

    select
        *,
        unnest([1, 2, 3, 4]) as place,
        unnest(
            [
                floor(0.5 * (total - 1)), ceil(0.5 * (total - 1)),
                floor(0.9 * (total - 1)), ceil(0.9 * (total - 1))
            ]
        ) as position
    from placed

)

select
    mall,
    cs,
    as_of_date,
    coarse,
    total,
    place,
    cast(position - before as bigint) as position
from wanted
where position >= before and position < before + answers;

create or replace temp table fine_targets as
with

summed as (

    select
        targets.mall,
        targets.cs,
        targets.as_of_date,
        targets.coarse,
        counts.class,
        cast(sum(counts.answers) as bigint) as answers
    from (select distinct mall, cs, as_of_date, coarse from coarse_targets) as targets
    inner join dates using (mall, cs, as_of_date)
    inner join fine_counts as counts
        on
            targets.mall = counts.mall
            and targets.cs = counts.cs
            and targets.coarse = counts.coarse
            and dates.block = counts.block
            and counts.day between targets.as_of_date - 29 and targets.as_of_date
    group by all

),

placed as (

    select
        *,
        sum(answers) over (
            partition by mall, cs, as_of_date, coarse
            order by class
            rows unbounded preceding
        ) - answers as before
    from summed

)

select
    targets.mall,
    targets.cs,
    targets.as_of_date,
    placed.class,
    targets.total,
    targets.place,
    cast(targets.position - placed.before as bigint) as position
from coarse_targets as targets
inner join placed
    on
        targets.mall = placed.mall
        and targets.cs = placed.cs
        and targets.as_of_date = placed.as_of_date
        and targets.coarse = placed.coarse
where
    targets.position >= placed.before
    and targets.position < placed.before + placed.answers;

create or replace temp table quantiles_30d as
with

sorted as (

    select
        targets.mall,
        targets.cs,
        targets.as_of_date,
        targets.class,
        list(answers.ms order by answers.ms) as found
    from (select distinct mall, cs, as_of_date, class from fine_targets) as targets
    inner join dates using (mall, cs, as_of_date)
    inner join answers
        on
            targets.mall = answers.mall
            and targets.cs = answers.cs
            and targets.class = answers.class
            and dates.block = answers.block
            and answers.day between targets.as_of_date - 29 and targets.as_of_date
    group by all

),

ends as (

    select
        targets.mall,
        targets.cs,
        targets.as_of_date,
        any_value(targets.total) as total,
        max(sorted.found[targets.position + 1]) filter (targets.place = 1) as low_50,
        max(sorted.found[targets.position + 1]) filter (targets.place = 2) as high_50,
        max(sorted.found[targets.position + 1]) filter (targets.place = 3) as low_90,
        max(sorted.found[targets.position + 1]) filter (targets.place = 4) as high_90
    from fine_targets as targets
    inner join sorted using (mall, cs, as_of_date, class)
    group by targets.mall, targets.cs, targets.as_of_date

)

select
    case when cs = -1 then 'mall' else 'agent' end as scope,
    mall,
    nullif(cs, -1) as cs,
    as_of_date,
    [
        between_ends(low_50, high_50, 0.5::double * (total - 1)),
        between_ends(low_90, high_90, 0.9::double * (total - 1))
    ] as quantiles
from ends;
