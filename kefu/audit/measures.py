"""What the audit measures: small tables in its own schema, made with plain SQL.

Expectations do not judge the landings row by row but these tables: counts,
shares and medians a source, mall and load or day, beside what was usual for
the same mall before. They hold no message text, no buyer and no value as
landed; a `detail` is a name of ours or a code of the raw contract.
"""

import datetime as dt
from collections.abc import Iterable

from kefu.audit import landed_columns, marts_compared, shares, volumes
from kefu.audit.engine import PUBLISHED, WORKING, AuditDatabase
from kefu.audit.measured import HISTORY, JUDGED, Measured, Removed
from kefu.contract import Table
from kefu.landing import Landing, field_key

ROWS_AT_ONCE = 500


def measure(
    database: AuditDatabase,
    contract: dict[str, Table],
    landing: Landing | None,
    now: dt.datetime,
    least_history: int,
    removed: Iterable[Removed] = (),
) -> Measured:
    """Fill the schema audit; what cannot be measured gets no table.

    `landing` are the files that were read, None if they are not known; `now` is
    aware; `least_history` is how many earlier loads or days make a comparison;
    `removed` is what was taken out with a record since the publication.
    Raises duckdb.Error if a table cannot be read.
    """
    measured = Measured(database, now, least_history, list(removed))
    for catalog, schema, table, column in measured.run(
        """
        select database_name, schema_name, table_name, column_name
        from duckdb_columns()
        where database_name in ('working', 'published')
        """
    ):
        measured.tables.setdefault((f"{catalog}.{schema}", table), set()).add(column)
    if measured.has(f"{WORKING}.staging", "stg_pdd__loads"):
        loads(measured)
        if landing is not None:
            raw_columns(measured, contract, landing)
        load_times(measured)
        shares.measure(measured)
        volumes.measure(measured)
        shares.compare(measured)
        volumes.compare(measured)
    marts_compared.measure(measured)
    return measured


def raw_columns(
    measured: Measured, contract: dict[str, Table], landing: Landing
) -> None:
    """Make audit.raw_columns: the columns of each new load that are usual there.

    The files' own headers are looked at: a view has every column, and a lost
    one comes as empty values, of which a small load may have too few to tell.
    JSON is passed over, where a row without a value may leave out its name.
    """
    missing: dict[tuple[str, dt.date], list[set[str]]] = {}
    for group in landing.groups:
        if group.format == "json":
            continue
        there = {field_key(item.name) for item in group.fields}
        lacking = {
            column for column in contract[group.table].columns if column not in there
        }
        for file in group.files:
            missing.setdefault((file.table, file.load_date), []).append(lacking)
    listed = []
    for source, load_dates, are_new in measured.run(
        "select source, list(load_date order by load_date),"
        " list(is_new order by load_date) from audit.loads group by source"
    ):
        known = [
            (is_new, load_date, missing[source, load_date])
            for is_new, load_date in zip(are_new, load_dates, strict=True)
            if (source, load_date) in missing
        ]
        earlier = [set().union(*files) for is_new, _, files in known if not is_new]
        if len(earlier) < measured.least_history:
            continue
        # As many as the bounds of what is usual pass over.
        excused = max(2, -(-len(earlier) // 10))
        for column in contract[source].columns:
            if _count(column, earlier) < excused:
                listed += [
                    (source, load_date, column, len(files), _count(column, files))
                    for is_new, load_date, files in known
                    if is_new
                ]
    measured.run(
        """
        create table audit.raw_columns (
            source varchar,
            load_date date,
            column_name varchar,
            files bigint,
            files_without bigint
        )
        """
    )
    for start in range(0, len(listed), ROWS_AT_ONCE):
        rows = listed[start : start + ROWS_AT_ONCE]
        marks = ", ".join(["(?, ?, ?, ?, ?)"] * len(rows))
        measured.database.connection.execute(
            f"insert into audit.raw_columns values {marks}", sum(rows, ())
        )


def _count(column: str, files: list[set[str]]) -> int:
    return sum(column in lacking for lacking in files)


def loads(measured: Measured) -> None:
    """Make audit.loads: the loads that are judged and those before them.

    A load is new if the published version has not read it, or not as many of
    its rows; one that has lost rows since, to a privacy request perhaps, is
    still one of those before. Where nothing is new, or nothing was published,
    the newest load date is judged. Loads that the published version has not
    read and that are not judged either stand in audit.unjudged_loads.
    """
    known = "select null as source, null as load_date, null as rows_landed where false"
    if measured.has(f"{PUBLISHED}.marts", "data_quality_balance", "rows_landed"):
        known = f"from {PUBLISHED}.marts.data_quality_balance"
    measured.run(
        f"""
        create table audit.all_loads as
        with compared as (
            select
                landed.source,
                landed.load_date,
                landed.rows_landed,
                known.rows_landed as rows_known,
                coalesce(landed.rows_landed > known.rows_landed, true) as has_more
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
                    and bool_or(has_more) over (),
                    has_more,
                    load_date = max(load_date) over ()
                ) as is_new
            from compared
        )
        select
            source, load_date, rows_landed, has_more, is_new,
            row_number() over (
                partition by source, is_new order by load_date desc
            ) <= if(is_new, {JUDGED}, {HISTORY}) as is_looked_at
        from marked
        """
    )
    measured.run(
        """
        create table audit.loads as
        select source, load_date, rows_landed, is_new
        from audit.all_loads
        where is_looked_at
        """
    )
    measured.run(
        """
        create table audit.unjudged_loads as
        select source, load_date
        from audit.all_loads
        where has_more and not (is_new and is_looked_at)
        """
    )


def sources_not_judged(measured: Measured) -> list[dict]:
    """Return the sources with new loads or days and too little before them.

    Each with `earlier`, the number of loads or days before, `of` which, and
    how many are `needed`. A check looks at all sources together, and does not
    tell which of them it had nothing to say about.
    """
    lacking = []
    if measured.has_measure("loads"):
        lacking += measured.run(
            """
            select source, count(*) filter (where not is_new) as earlier, 'loads'
            from audit.loads
            group by source
            having bool_or(is_new) and earlier < $least
            """,
            least=measured.least_history,
        )
    if measured.has_measure("judged_days"):
        for source, event in landed_columns.EVENTS.items():
            if measured.has(f"{WORKING}.staging", f"stg_pdd__{source}", event):
                lacking += measured.run(
                    f"""
                    select
                        '{source}',
                        greatest(any_value(judged.first_day) - min(day), 0)
                            as earlier,
                        'days'
                    from
                        (
                            select cast({event} as date) as day
                            from {WORKING}.staging.stg_pdd__{source}
                            where {event} is not null and mall_id is not null
                        ),
                        audit.judged_days as judged
                    having earlier < $least
                    """,
                    least=measured.least_history,
                )
    return [
        {
            "source": source,
            "earlier": earlier,
            "of": kind,
            "needed": measured.least_history,
        }
        for source, earlier, kind in sorted(lacking, key=lambda row: (row[2], row[0]))
    ]


def left_unjudged(measured: Measured) -> list[dict]:
    """Return the new loads and days that are too many, or too old, to be judged.

    Each entry has `of` (loads or days), `source` (None for days), the `number`
    and the `first` and `last` date, as YYYY-MM-DD.
    """
    found = []
    if measured.has_measure("unjudged_loads"):
        found += measured.run(
            """
            select 'loads', source, count(*), min(load_date), max(load_date)
            from audit.unjudged_loads
            group by source
            order by source
            """
        )
    if measured.has_measure("judged_days"):
        found += measured.run(
            """
            select 'days', null, first_day - first_new_day, first_new_day,
                first_day - 1
            from audit.judged_days
            where first_new_day < first_day
            """
        )
    return [
        {
            "of": kind,
            "source": source,
            "number": number,
            "first": first.isoformat(),
            "last": last.isoformat(),
        }
        for kind, source, number, first, last in found
    ]


def load_times(measured: Measured) -> None:
    """Make audit.load_times: each load's rows by how `_loaded_at` lies.

    Rejected and superseded rows count too: a wrong clock decides which
    version of a row is current.
    """
    parts = []
    for source in landed_columns.SOURCES:
        staging = f"{WORKING}.staging"
        if not measured.has(staging, f"stg_pdd__{source}", "loaded_at"):
            continue
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
    if not parts:
        return
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
