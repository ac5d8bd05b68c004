"""What the audit measures: small tables in its own schema, made with plain SQL.

Expectations do not judge the landings row by row but these tables: counts,
shares and medians a source, mall and load or day, beside what was usual for
the same mall before. They hold no message text, no buyer and no value as
landed; a `detail` is a name of ours or a code of the raw contract.
"""

import datetime as dt

from kefu.audit import landed_columns, marts_compared, shares, volumes
from kefu.audit.engine import PUBLISHED, WORKING, AuditDatabase
from kefu.audit.measured import HISTORY, JUDGED, Measured
from kefu.contract import Table


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
        shares.measure(measured)
        volumes.measure(measured)
        shares.compare(measured)
        volumes.compare(measured)
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
