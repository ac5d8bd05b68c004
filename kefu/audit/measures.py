"""What the audit measures: small tables in its own schema, made with plain SQL.

Expectations do not judge the landings row by row but these tables: counts,
shares and medians a source, mall and load or day, beside what was usual for
the same mall before. They hold no message text, no buyer and no value as
landed; a `detail` is a name of ours or a code of the raw contract.
"""

import datetime as dt
from dataclasses import dataclass, field

import duckdb

from kefu.audit import landed_columns, marts_compared
from kefu.audit.engine import PUBLISHED, WORKING, AuditDatabase
from kefu.contract import Table
from kefu.sql import quote_name, quote_text

# How far back loads and days are compared.
HISTORY = 28
# Loads and days that are judged at most: those that came since the last
# publication, after a long pause the newest of them.
JUDGED = 14
ALL_MALLS = "(all)"


@dataclass
class Measured:
    """The audit's database with its measures, and what could be measured."""

    database: AuditDatabase
    now: dt.datetime
    least_history: int
    tables: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Columns by (catalog.schema, table) of what is attached."""

    def has(self, schema: str, table: str, *columns: str) -> bool:
        """Tell whether a table with these columns is there."""
        return set(columns) <= self.tables.get((schema, table), set()) and (
            (schema, table) in self.tables
        )

    def run(self, sql: str, **values: object) -> list[tuple]:
        """Run one statement; $name stands for a value."""
        connection = self.database.connection
        used = {name: value for name, value in values.items() if f"${name}" in sql}
        return connection.execute(sql, used or None).fetchall()


def measure(
    database: AuditDatabase,
    contract: dict[str, Table],
    now: dt.datetime,
    least_history: int,
) -> Measured:
    """Fill the schema audit; what cannot be measured gets no table.

    `now` is aware; `least_history` is how many earlier loads or days make a
    comparison. Raises duckdb.Error if a table cannot be read.
    """
    measured = Measured(database, now, least_history)
    for catalog, schema, table, column in measured.run(
        """
        select database_name, schema_name, table_name, column_name
        from duckdb_columns()
        where database_name in ('working', 'published')
        """
    ):
        measured.tables.setdefault((f"{catalog}.{schema}", table), set()).add(column)
    raw_columns(measured, contract)
    if measured.has(f"{WORKING}.staging", "stg_pdd__loads"):
        loads(measured)
        load_times(measured)
        load_books(measured)
        shares(measured)
        share_changes(measured)
        amounts(measured)
        volumes(measured)
    marts_compared.measure(measured)
    return measured


def raw_columns(measured: Measured, contract: dict[str, Table]) -> None:
    """Make audit.raw_columns: the contract's columns, and if a view has them."""
    measured.run(
        "create table audit.raw_columns"
        " (source varchar, column_name varchar, is_there boolean)"
    )
    listed = [
        (source, column, measured.has(f"{WORKING}.raw", source, column))
        for source, table in contract.items()
        for column in table.columns
        if (f"{WORKING}.raw", source) in measured.tables
    ]
    if listed:
        measured.database.connection.executemany(
            "insert into audit.raw_columns values (?, ?, ?)", listed
        )


def loads(measured: Measured) -> None:
    """Make audit.loads: the loads that are judged and those before them.

    A load is new if the published version has not read it, or not as many of
    its rows; where nothing is new, or nothing was published, the newest load
    date is judged.
    """
    known = "select null as source, null as load_date, null as rows_landed where false"
    if measured.has(f"{PUBLISHED}.marts", "data_quality_balance", "rows_landed"):
        known = f"from {PUBLISHED}.marts.data_quality_balance"
    measured.run(
        f"""
        create table audit.loads as
        with compared as (
            select
                landed.source,
                landed.load_date,
                landed.rows_landed,
                known.rows_landed as rows_known
            from {WORKING}.staging.stg_pdd__loads as landed
            left join ({known}) as known
                on
                    landed.source = known.source
                    and landed.load_date = known.load_date
            where landed.load_date is not null
        ),
        marked as (
            select
                *,
                if(
                    bool_or(rows_known is not null) over ()
                    and bool_or(rows_known is distinct from rows_landed) over (),
                    rows_known is distinct from rows_landed,
                    load_date = max(load_date) over ()
                ) as is_new
            from compared
        )
        select source, load_date, rows_landed, is_new
        from marked
        qualify
            row_number() over (
                partition by source, is_new order by load_date desc
            ) <= if(is_new, {JUDGED}, {HISTORY})
        """
    )


def load_times(measured: Measured) -> None:
    """Make audit.load_times: each load's rows by how `_loaded_at` lies.

    Rejected and superseded rows count too: a wrong clock decides which
    version of a row is current.
    """
    parts = []
    for source in landed_columns.SOURCES:
        staging = f"{WORKING}.staging"
        parts.append(
            f"select '{source}' as source, load_date, loaded_at"
            f" from {staging}.stg_pdd__{source}"
        )
        if measured.has(staging, f"base_pdd__{source}_duplicates"):
            parts.append(
                f"select '{source}', load_date, loaded_at"
                f" from {staging}.base_pdd__{source}_duplicates"
                " where version_rank > 1"
            )
        if measured.has(staging, f"stg_pdd__{source}_rejected"):
            parts.append(
                f"select '{source}', load_date, try_cast(trim(_loaded_at)"
                " as timestamptz) at time zone 'UTC'"
                f" from {staging}.stg_pdd__{source}_rejected"
            )
    measured.run(
        f"""
        create table audit.load_times as
        select
            source,
            load_date,
            count(*) as rows,
            max(loaded_at) as newest_loaded_at,
            max(epoch(loaded_at) - epoch($now)) / 60 as minutes_ahead,
            count(*) filter (
                where
                    loaded_at < load_date - interval 1 day
                    or loaded_at >= load_date + interval 2 days
            ) as rows_off_folder
        from ({" union all ".join(parts)})
        where loaded_at is not null and load_date is not null
        group by source, load_date
        """,
        now=measured.now.astimezone(dt.UTC).replace(tzinfo=None),
    )


def load_books(measured: Measured) -> None:
    """Make audit.shares with what became of each load's rows."""
    measured.run(
        """
        create table audit.shares (
            source varchar,
            mall_id varchar,
            load_date date,
            is_new boolean,
            measure varchar,
            detail varchar,
            part bigint,
            whole bigint
        )
        """
    )
    marts = f"{WORKING}.marts"
    if measured.has(marts, "data_quality_balance", "rows_rejected"):
        measured.run(
            f"""
            insert into audit.shares
            select
                source, '{ALL_MALLS}', load_date, loads.is_new, 'rejected',
                'rows', books.rows_rejected, books.rows_landed
            from {marts}.data_quality_balance as books
            inner join audit.loads using (source, load_date)
            """
        )
    if measured.has(marts, "data_quality_issues", "issue"):
        measured.run(
            f"""
            insert into audit.shares
            with kinds as (
                select issue, source, column_name
                from {marts}.data_quality_issues
                group by all
            )
            select
                loads.source, '{ALL_MALLS}', loads.load_date, loads.is_new,
                kinds.issue, kinds.column_name,
                coalesce(issues.rows, 0), loads.rows_landed
            from audit.loads
            inner join kinds on loads.source = kinds.source
            left join {marts}.data_quality_issues as issues
                on
                    issues.source = loads.source
                    and issues.load_date = loads.load_date
                    and issues.column_name = kinds.column_name
                    and issues.issue = kinds.issue
            """
        )
    for source, keys in landed_columns.KEYS.items():
        ranked = f"base_pdd__{source}_duplicates"
        if measured.has(f"{WORKING}.staging", ranked):
            measured.run(
                f"""
                insert into audit.shares
                with repeated as (
                    select load_date, sum(copies - 1) as rows
                    from (
                        select load_date, count(*) as copies
                        from {WORKING}.staging.{ranked}
                        group by load_date, {keys}
                    )
                    group by load_date
                )
                select
                    '{source}', '{ALL_MALLS}', loads.load_date, loads.is_new,
                    'repeated', 'rows', coalesce(repeated.rows, 0),
                    loads.rows_landed
                from audit.loads
                left join repeated on loads.load_date = repeated.load_date
                where loads.source = '{source}'
                """
            )


def shares(measured: Measured) -> None:
    """Add to audit.shares what the staged rows of each load are like."""
    for source, listed in landed_columns.SHARES.items():
        table = f"stg_pdd__{source}"
        there = measured.tables.get((f"{WORKING}.staging", table), set())
        kept = [share for share in listed if share.needs <= there]
        if kept:
            insert_shares(measured, source, as_landed(measured, source), kept)
    for query in landed_columns.JOINED_SHARES:
        if all(measured.has(f"{WORKING}.staging", name) for name in query.reads):
            insert_shares(
                measured, query.source, f"({query.sql})", list(query.shares)
            )


def as_landed(measured: Measured, source: str) -> str:
    """Return the relation of a table's accepted rows as each load had them."""
    staging, table = f"{WORKING}.staging", f"stg_pdd__{source}"
    ranked = f"base_pdd__{source}_duplicates"
    if source not in landed_columns.VERSIONED or not measured.has(staging, ranked):
        return f"{staging}.{table}"
    both = sorted(
        measured.tables[staging, table] & measured.tables[staging, ranked]
    )
    return (
        f"(select {names(both)} from {staging}.{table} union all"
        f" select {names(both)} from {staging}.{ranked} where version_rank > 1)"
    )


def insert_shares(
    measured: Measured,
    source: str,
    relation: str,
    listed: list[landed_columns.Share],
) -> None:
    """Add shares of the rows of a relation, for all malls and for each."""
    entries = ", ".join(
        "{"
        f"'measure': {quote_text(share.measure)},"
        f" 'detail': {quote_text(share.detail)},"
        f" 'part': count(*) filter (where ({share.whole}) and ({share.part})),"
        f" 'whole': count(*) filter (where {share.whole})"
        "}"
        for share in listed
    )
    measured.run(
        f"""
        insert into audit.shares
        with counted as (
            select
                if(grouping(mall_id) = 1, '{ALL_MALLS}', mall_id) as mall,
                load_date,
                any_value(loads.is_new) as is_new,
                unnest([{entries}]) as entry
            from {relation} as landed
            inner join audit.loads as loads using (load_date)
            where loads.source = '{source}'
            group by grouping sets ((load_date), (load_date, mall_id))
        )
        select
            '{source}', mall, load_date, is_new,
            entry.measure, entry.detail, entry.part, entry.whole
        from counted
        where entry.whole > 0 and mall is not null
        """
    )


def share_changes(measured: Measured) -> None:
    """Make audit.share_changes: each new share beside the usual one.

    `deviations` counts the usual spread between loads, or what chance gives
    for so few rows if that is more. Messages come in bunches, a chat at a
    time, so chance is reckoned as for a quarter of them: `rows_alone`. The
    last seven loads together stand beside those before them too: one load of a
    small source says little.
    """
    measured.run(
        f"""
        create table audit.share_changes as
        with numbered as (
            select
                shares.*,
                loads.number <= 7 as is_of_week
            from audit.shares as shares
            inner join (
                select source, load_date,
                    row_number() over (
                        partition by source order by load_date desc
                    ) as number
                from audit.loads
            ) as loads using (source, load_date)
        ),
        windows as (
            select 1 as window_loads, source, mall_id, load_date, measure, detail,
                is_new as is_judged, part, whole
            from numbered
            union all
            select 7, source, mall_id, max(load_date), measure, detail,
                true, sum(part), sum(whole)
            from numbered
            where is_of_week and mall_id = '{ALL_MALLS}'
            group by all
            union all
            select 7, source, mall_id, load_date, measure, detail,
                false, part, whole
            from numbered
            where not is_of_week and mall_id = '{ALL_MALLS}'
        ),
        usual as (
            select
                window_loads, source, mall_id, measure, detail,
                count(*) as loads_before,
                sum(part) / count(*) as part_a_load,
                sum(part) / sum(whole) as share,
                (sum(part) + 1) / (sum(whole) + 2) as smoothed,
                sqrt(
                    greatest(
                        sum(part / whole * part) / sum(whole)
                        - (sum(part) / sum(whole)) ** 2,
                        0
                    )
                ) as spread,
                min(part / whole) as lowest,
                max(part / whole) as highest
            from windows
            where not is_judged
            group by all
            having count(*) >= $least
        ),
        compared as (
            select
                new.window_loads, new.source, new.mall_id, new.load_date,
                new.measure, new.detail,
                new.whole as rows,
                new.whole / if(new.source = 'messages', 4, 1) as rows_alone,
                new.part / new.whole as share,
                usual.share as usual_share,
                usual.part_a_load,
                usual.lowest,
                usual.highest,
                usual.loads_before,
                greatest(
                    usual.spread,
                    sqrt(smoothed * (1 - smoothed) / rows_alone),
                    0.005
                ) as spread
            from windows as new
            inner join usual
                using (window_loads, source, mall_id, measure, detail)
            where new.is_judged
        )
        select
            * exclude (spread),
            share - usual_share as change,
            abs(share - usual_share) / spread as deviations
        from compared
        """,
        least=measured.least_history,
    )


def amounts(measured: Measured) -> None:
    """Make audit.amount_changes: medians of new loads over the usual ones."""
    parts = []
    for source, columns in landed_columns.AMOUNTS.items():
        table = f"stg_pdd__{source}"
        for column, expression in columns.items():
            if measured.has(f"{WORKING}.staging", table):
                parts.append(
                    f"""
                    select
                        '{source}' as source,
                        if(grouping(mall_id) = 1, '{ALL_MALLS}', mall_id)
                            as mall_id,
                        load_date,
                        any_value(loads.is_new) as is_new,
                        {quote_text(column)} as column_name,
                        count({expression}) as rows,
                        cast(median({expression}) as double) as middle
                    from {as_landed(measured, source)} as landed
                    inner join audit.loads as loads using (load_date)
                    where loads.source = '{source}' and {expression} > 0
                    group by grouping sets ((load_date), (load_date, mall_id))
                    """
                )
    if not parts:
        return
    measured.run(
        f"""
        create table audit.amount_changes as
        with medians as ({" union all ".join(parts)}),
        usual as (
            select
                source, mall_id, column_name,
                count(*) as loads_before,
                median(middle) as middle
            from medians
            where not is_new
            group by all
            having count(*) >= $least
        )
        select
            new.source, new.mall_id, new.load_date, new.column_name, new.rows,
            new.middle as median,
            usual.middle as usual_median,
            new.middle / usual.middle as ratio
        from medians as new
        inner join usual using (source, mall_id, column_name)
        where new.is_new and new.mall_id is not null
        """,
        least=measured.least_history,
    )


def volumes(measured: Measured) -> None:
    """Make audit.volumes: rows a source, mall and day beside the expected ones.

    Expected is the mall's median day, moved as the other malls moved on that
    day, so that a holiday is nobody's fault; `spread` is the mall's own about
    that, or what chance gives if it is more. The window of seven days shows
    what a single day of a small mall cannot.
    """
    ends = measured.run(
        f"""
        select
            max(newest_accepted_loaded_at + interval 8 hours)::date - 1
        from {WORKING}.staging.stg_pdd__loads
        where source in ('messages', 'orders')
        """
    )
    end = ends[0][0]
    if measured.has(f"{WORKING}.intermediate", "int_as_of_end", "as_of_end"):
        end = measured.run(
            f"select max(as_of_end) from {WORKING}.intermediate.int_as_of_end"
        )[0][0]
    if end is None:
        return
    start = end
    if measured.has(f"{PUBLISHED}.marts", "mall_kpi_daily", "service_date"):
        last = measured.run(
            f"select max(service_date) from {PUBLISHED}.marts.mall_kpi_daily"
        )[0][0]
        if last is not None and last < end:
            start = max(last + dt.timedelta(days=1), end - dt.timedelta(days=JUDGED - 1))
    measured.run(
        """
        create table audit.judged_days as
        select
            cast($start as date) as first_day,
            cast($end as date) as last_day
        """,
        start=start,
        end=end,
    )
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
        moved as (
            select
                marked.*,
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
            inner join usual as whole
                on whole.source = marked.source
                and whole.mall_id = '{ALL_MALLS}'
            inner join everyone as whole_day
                on whole_day.source = marked.source
                and whole_day.day = marked.day
        ),
        spreads as (
            select
                source, mall_id,
                count(*) as days_before,
                sqrt(avg((rows - expected) ** 2)) as spread,
                min(rows) as lowest,
                max(rows) as highest
            from moved
            where not is_judged
            group by source, mall_id
            having count(*) >= $least
        ),
        single as (
            select
                moved.source, moved.mall_id, moved.day, 1 as window_days,
                moved.rows, moved.expected,
                spreads.lowest, spreads.highest, spreads.days_before,
                greatest(spreads.spread, sqrt(3 * moved.expected), 1) as spread
            from moved
            inner join spreads using (source, mall_id)
            where moved.is_judged
        ),
        weeks as (
            select
                moved.source, moved.mall_id,
                max(moved.day) as day, 7 as window_days,
                sum(moved.rows) filter (where is_recent) as rows,
                avg(moved.rows) filter (where not is_recent) * 7 as expected,
                min(moved.rows) filter (where not is_recent) * 7 as lowest,
                max(moved.rows) filter (where not is_recent) * 7 as highest,
                count(*) filter (where not is_recent) as days_before,
                greatest(
                    1.5 * sqrt(7)
                    * stddev_samp(moved.rows) filter (where not is_recent),
                    sqrt(21 * avg(moved.rows) filter (where not is_recent)),
                    1
                ) as spread
            from (
                select *,
                    day > (select last_day - 7 from audit.judged_days) as is_recent
                from moved
            ) as moved
            group by moved.source, moved.mall_id
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


def names(columns: list[str]) -> str:
    """Return column names as an SQL list."""
    return ", ".join(map(quote_name, columns))


__all__ = ["ALL_MALLS", "Measured", "duckdb", "measure", "names"]
