"""Rows a source, mall and local day, beside those that were to be expected."""

import datetime as dt

from kefu.audit import landed_columns
from kefu.audit.engine import PUBLISHED, WORKING
from kefu.audit.measured import ALL_MALLS, HISTORY, JUDGED, Measured

# Of the middle day's rows: less is a day that did not come, whatever of it lies
# just past midnight.
HARDLY = 0.05


def measure(measured: Measured) -> None:
    """Make audit.volumes, and add the mix of chats and orders to audit.shares."""
    if judged_days(measured):
        count_days(measured)
        mix(measured)


def compare(measured: Measured) -> None:
    """Make audit.thin_days, when the mix has been compared."""
    if measured.has_measure("volumes"):
        thin_days(measured)


def judged_days(measured: Measured) -> bool:
    """Make audit.judged_days: the days since the published as-of end.

    Where nothing was published, or nothing is new, the last complete day is
    judged. `first_new_day` is the first that is not published, judged or too
    long ago for that. Tells whether there is any.
    """
    if measured.has(f"{WORKING}.intermediate", "int_as_of_end", "as_of_end"):
        ends = f"select max(as_of_end) from {WORKING}.intermediate.int_as_of_end"
    else:
        ends = (
            "select cast(max(newest_accepted_loaded_at + interval 8 hours) as date) - 1"
            f" from {WORKING}.staging.stg_pdd__loads"
            " where source in ('messages', 'orders')"
        )
    end = measured.run(ends)[0][0]
    if end is None:
        return False
    start = first_new = end
    last = None
    if measured.has(f"{PUBLISHED}.marts", "mall_kpi_daily", "service_date"):
        last = measured.run(
            f"select max(service_date) from {PUBLISHED}.marts.mall_kpi_daily"
        )[0][0]
    if last is None:
        first_new = min(_first_event_day(measured) or end, end)
    elif last < end:
        earliest = end - dt.timedelta(days=JUDGED - 1)
        first_new = last + dt.timedelta(days=1)
        start = max(first_new, earliest)
    measured.run(
        """
        create table audit.judged_days as
        select
            cast($first_new as date) as first_new_day,
            cast($start as date) as first_day,
            cast($end as date) as last_day
        """,
        first_new=first_new,
        start=start,
        end=end,
    )
    return True


def _first_event_day(measured: Measured) -> dt.date | None:
    """Return the day of the oldest event of a mall, None if there is none."""
    days = [
        measured.run(
            f"select cast(min({event}) as date)"
            f" from {WORKING}.staging.stg_pdd__{source}"
            " where mall_id is not null"
        )[0][0]
        for source, event in landed_columns.EVENTS.items()
        if measured.has(f"{WORKING}.staging", f"stg_pdd__{source}", event)
    ]
    return min((day for day in days if day is not None), default=None)


def count_days(measured: Measured) -> None:
    """Make audit.volumes: rows a source, mall and day beside the expected ones.

    Expected is the mall's median day, moved as the other malls moved on that
    day, so that a holiday is nobody's fault; `spread` is the mall's own about
    that, or what chance gives if it is more, or how far this day of the week
    lies off as a rule. `lowest` and `highest` are bounds of what is usual, with
    the outermost days passed over; a day of hardly a row is no usual one where
    the mall has rows on most days, and on most such days of the week. The
    window of seven days shows what a single day of a small mall cannot.
    """
    counts = " union all ".join(
        f"""
        select '{source}' as source, mall_id, cast({event} as date) as day,
            count(*) as rows
        from {WORKING}.staging.stg_pdd__{source}
        where mall_id is not null and {event} is not null
        group by all
        """
        for source, event in landed_columns.EVENTS.items()
        if measured.has(f"{WORKING}.staging", f"stg_pdd__{source}")
    )
    seasons = "select null as day where false"
    if measured.has(f"{WORKING}.marts", "dim_dates", "sale_season", "date_day"):
        seasons = (
            f"select date_day as day from {WORKING}.marts.dim_dates"
            " where sale_season is not null"
        )
    measured.run(
        f"""
        create table audit.volumes as
        with counted as ({counts}),
        known as (
            select source, mall_id, min(day) as first_day
            from counted
            group by all
        ),
        days as (
            select cast(unnest(generate_series(
                first_day - {HISTORY}, last_day, interval 1 day
            )) as date) as day
            from audit.judged_days
        ),
        mall_days as (
            select known.source, known.mall_id, days.day,
                coalesce(counted.rows, 0) as rows
            from known
            inner join days on known.first_day <= days.day
            left join counted using (source, mall_id, day)
        ),
        everyone as (
            select source, '{ALL_MALLS}' as mall_id, day,
                cast(sum(rows) as bigint) as rows
            from mall_days
            group by source, day
        ),
        with_all as (
            from everyone union all by name from mall_days
        ),
        marked as (
            select with_all.*, day >= judged.first_day as is_judged
            from with_all, audit.judged_days as judged
        ),
        usual as (
            select source, mall_id, median(rows) as middle
            from marked
            where not is_judged
            group by source, mall_id
        ),
        usual_weekdays as (
            select source, mall_id, isodow(day) as weekday, median(rows) as middle
            from marked
            where not is_judged
            group by all
        ),
        moved as (
            select
                marked.*,
                marked.rows >= {HARDLY} * usual.middle
                or usual_weekdays.middle < {HARDLY} * usual.middle as is_usual_day,
                usual.middle * case
                    when
                        marked.mall_id = '{ALL_MALLS}'
                        or whole.middle - usual.middle < 200
                        then 1
                    else
                        least(greatest(
                            (whole_day.rows - marked.rows)
                            / (whole.middle - usual.middle), 0.4
                        ), 3)
                end as expected
            from marked
            inner join usual using (source, mall_id)
            left join usual_weekdays
                on
                    usual_weekdays.source = marked.source
                    and usual_weekdays.mall_id = marked.mall_id
                    and usual_weekdays.weekday = isodow(marked.day)
            inner join usual as whole
                on whole.source = marked.source
                and whole.mall_id = '{ALL_MALLS}'
            inner join everyone as whole_day
                on whole_day.source = marked.source
                and whole_day.day = marked.day
        ),
        bounds as (
            select
                source, mall_id,
                count(*) as days_before,
                audit.upper_bound(
                    list(abs(rows - expected)) filter (where is_usual_day)
                ) as furthest,
                audit.lower_bound(list(rows) filter (where is_usual_day))
                    as lowest,
                audit.upper_bound(list(rows)) as highest
            from moved
            where not is_judged
            group by source, mall_id
            having count(*) >= $least
        ),
        spreads as (
            select
                source, mall_id,
                bounds.days_before, bounds.lowest, bounds.highest,
                sqrt(avg(least(abs(rows - expected), bounds.furthest) ** 2))
                    as spread
            from moved
            inner join bounds using (source, mall_id)
            where not moved.is_judged and moved.is_usual_day
            group by all
        ),
        weekdays as (
            select
                source, mall_id, isodow(day) as weekday,
                abs(median(rows - expected)) as off
            from moved
            where not is_judged and is_usual_day
            group by all
            having count(*) > 1
        ),
        single as (
            select
                moved.source, moved.mall_id, moved.day, 1 as window_days,
                moved.rows, moved.expected,
                spreads.lowest, spreads.highest, spreads.days_before,
                greatest(
                    spreads.spread, weekdays.off, sqrt(3 * moved.expected), 1
                ) as spread
            from moved
            inner join spreads using (source, mall_id)
            left join weekdays
                on
                    weekdays.source = moved.source
                    and weekdays.mall_id = moved.mall_id
                    and weekdays.weekday = isodow(moved.day)
            where moved.is_judged
        ),
        sevens as (
            select
                source, mall_id, day, is_recent, rows,
                sum(rows) over (
                    partition by source, mall_id, is_recent
                    order by day rows 6 preceding
                ) as week_rows,
                row_number() over (
                    partition by source, mall_id, is_recent order by day
                ) as number
            from (
                select
                    moved.source, moved.mall_id, moved.day,
                    moved.day > judged.last_day - 7 as is_recent,
                    if(
                        is_recent,
                        moved.rows,
                        least(greatest(moved.rows, bounds.lowest), bounds.highest)
                    ) as rows
                from moved
                inner join bounds using (source, mall_id)
                cross join audit.judged_days as judged
            )
        ),
        weeks as (
            select
                source, mall_id,
                max(day) as day, 7 as window_days,
                sum(rows) filter (where is_recent) as rows,
                avg(rows) filter (where not is_recent) * 7 as expected,
                min(week_rows) filter (where not is_recent and number >= 7)
                    as lowest,
                max(week_rows) filter (where not is_recent and number >= 7)
                    as highest,
                count(*) filter (where not is_recent) as days_before,
                greatest(
                    1.5 * sqrt(7) * stddev_samp(rows) filter (where not is_recent),
                    sqrt(21 * avg(rows) filter (where not is_recent)),
                    1
                ) as spread
            from sevens
            group by source, mall_id
            having count(*) filter (where not is_recent) >= greatest($least, 14)
        ),
        both_windows as (
            from single union all by name from weeks
        )
        select
            both_windows.*,
            (rows - expected) / spread as deviations,
            seasons.day is not null as is_sale_season
        from both_windows
        left join ({seasons}) as seasons using (day)
        """,
        least=measured.least_history,
    )


def mix(measured: Measured) -> None:
    """Add to audit.shares how many chats a mall has beside its orders, by day.

    Both move with the mall's traffic, so that a day of half the buyers stands
    out where the number of messages alone could be a quiet day.
    """
    staging = f"{WORKING}.staging"
    if not (
        measured.has(staging, "stg_pdd__messages", "sent_at", "buyer_uid")
        and measured.has(staging, "stg_pdd__orders", "created_at")
    ):
        return
    measured.run(
        f"""
        insert into audit.shares
        with events as (
            select mall_id, cast(sent_at as date) as day, 1 as chats, 0 as orders
            from {staging}.stg_pdd__messages
            group by mall_id, day, buyer_uid
            union all
            select mall_id, cast(created_at as date), 0, 1
            from {staging}.stg_pdd__orders
        )
        select
            'messages',
            if(grouping(mall_id) = 1, '{ALL_MALLS}', mall_id),
            day,
            day >= any_value(judged.first_day),
            'mix',
            'chats among chats and orders',
            sum(chats),
            count(*)
        from events, audit.judged_days as judged
        where day between judged.first_day - {HISTORY} and judged.last_day
        group by grouping sets ((day), (day, mall_id))
        """
    )


def thin_days(measured: Measured) -> None:
    """Make audit.thin_days: a mall's day beside the other feed of that day.

    `out_of_proportion` is by how many deviations there are too few chats for
    the orders, or orders for the chats.
    """
    measured.run(
        """
        create table audit.thin_days as
        select
            volumes.source, volumes.mall_id, volumes.day, volumes.rows,
            volumes.expected, volumes.deviations, volumes.lowest,
            if(volumes.source = 'orders', 1, -1)
            * if(mix.change > 0, 1, -1)
            * mix.deviations as out_of_proportion
        from audit.volumes as volumes
        inner join audit.share_changes as mix
            on
                volumes.mall_id = mix.mall_id
                and volumes.day = mix.load_date
                and mix.measure = 'mix'
                and mix.window_loads = 1
        where volumes.window_days = 1 and volumes.source in ('messages', 'orders')
        """
    )
