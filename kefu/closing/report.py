"""The restatements of the published file, for people."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from kefu.closing.restate import is_to_be_looked_at
from kefu.closing.store import Closing, Closings
from kefu.closing.tables import CLOSED_TABLES, WHOLE_ROW
from kefu.errors import EXIT_PUBLISH, KefuError
from kefu.versions import PUT_THERE, ROLLED_BACK, Versions

# Pay is reckoned from these; what follows from them comes after, benchmarks last.
FIRST = ("agent_kpi_daily", "mall_kpi_daily")
TABLES = (*FIRST, *(name for name in CLOSED_TABLES if name not in FIRST))
# What comes along with other differences, and is nothing that pay is reckoned from.
ASIDE = (WHOLE_ROW, "is_conversion_final", "is_response_final")
OF_PERIOD = "($period is null or period = $period)"


def _ask(published: Path, question: str, period: str | None) -> tuple[list, list]:
    """Return the names of the columns and the rows.

    Raises KefuError where nothing was published, or nothing closed by then.
    """
    if not published.is_file():
        raise KefuError(
            f"there is no published file {published}: publish one with `kefu run`",
            EXIT_PUBLISH,
        )
    with duckdb.connect(str(published), read_only=True) as connection:
        if not _knows_closings(connection):
            told = [_waits(published, item) for item in _closed(published, period)]
            raise KefuError(
                "; ".join(told)
                or "the published file knows no closed period: close one with"
                " `kefu close`, and the next run compares it",
                EXIT_PUBLISH,
            )
        cursor = connection.execute(question, {"period": period})
        return [column[0] for column in cursor.description], cursor.fetchall()


def _knows_closings(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(
        connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'closed'"
            " and table_name = 'restatements' and database_name = current_database()"
        ).fetchone()
    )


def _closed(published: Path, period: str | None) -> list[Closing]:
    """Return the closings in force, of one period or of all."""
    return [
        closing
        for closing in Closings(published).in_force()
        if period in (None, closing.period)
    ]


def waiting(published: Path, period: str | None) -> list[Closing]:
    """Return the closings in force that the published version does not know."""
    known = []
    if published.is_file():
        with duckdb.connect(str(published), read_only=True) as connection:
            if _knows_closings(connection):
                known = connection.execute(
                    "select period, revision from closed.periods"
                ).fetchall()
    return [
        closing
        for closing in _closed(published, period)
        if (closing.period, closing.revision) not in known
    ]


def _is_rolled_back(published: Path) -> bool:
    events = [
        event["event"]
        for event in Versions(published).history()
        if event["event"] in PUT_THERE
    ]
    return events[-1:] == [ROLLED_BACK]


def _waits(published: Path, closing: Closing) -> str:
    """Return what to say of a closing that the published version does not know."""
    older = ", to which a rollback returned," if _is_rolled_back(published) else ""
    return (
        f"{closing.name} is closed, since {closing.closed_at}; the published"
        f" version{older} is older than that, and the next `kefu run` compares it"
    )


def rows(published: Path, period: str | None) -> tuple[list, list]:
    """Return all restatements, with the names of their columns."""
    return _ask(
        published,
        f"select * from closed.restatements where {OF_PERIOD} order by all",
        period,
    )


def lines(published: Path, period: str | None, most: int | None) -> Iterator[str]:
    """Yield the report: counts by cause and by table, then one line a value.

    `most` of these, without what tells little; None for all.
    """
    unknown = waiting(published, period)
    for closing in unknown:
        yield _waits(published, closing)
    if unknown and unknown == _closed(published, period):
        return
    _, periods = _ask(
        published,
        f"""
        select
            period, revision, is_altered, not_compared,
            (
                select count(*) from closed.restatements
                where restatements.period = periods.period
            )
        from closed.periods as periods
        where is_in_force and {OF_PERIOD}
        order by all
        """,
        period,
    )
    if not periods:
        yield f"{period} is not closed"
    if periods and _is_rolled_back(published):
        yield "a rollback returned to this version: what came after it is not counted"
    for name, revision, is_altered, not_compared, count in periods:
        suffix = f" (revision {revision})" if revision > 1 else ""
        if is_altered:
            yield f"{name}{suffix}: its files are not what was closed: not compared"
        else:
            yield f"{name}{suffix}: {_told(count)}"
        if not_compared:
            yield f"  ! {name} not compared, published no more: {not_compared}"
    _, causes = _ask(
        published,
        f"""
        select period, cause, count(*) from closed.restatements
        where {OF_PERIOD} group by all order by period, count(*) desc, cause
        """,
        period,
    )
    for name, cause, count in causes:
        mark = "  !" if is_to_be_looked_at(cause) else "   "
        yield f"{mark} {name} {cause}: {count:,}"
    looked_at = [cause for _, cause, _ in causes if is_to_be_looked_at(cause)]
    yield from _by_table(published, period)
    yield from _values(published, period, most, looked_at)


def _told(count: int) -> str:
    if not count:
        return "nothing changed since the closing"
    return f"{count:,} value{'s' * (count > 1)} would be different now"


def _by_table(published: Path, period: str | None) -> Iterator[str]:
    """Yield how many values and rows of each table differ, pay first."""
    _, found = _ask(
        published,
        f"""
        select period, table_name, count(*), count(distinct row_key)
        from closed.restatements where {OF_PERIOD} group by all
        """,
        period,
    )
    place = {name: number for number, name in enumerate(TABLES)}
    for name, table, values, keys in sorted(
        found, key=lambda entry: (entry[0], place.get(entry[1], len(place)))
    ):
        yield f"    {name} {table}: {values:,} in {keys:,} row{'s' * (keys > 1)}"


def _shown(value: str) -> str:
    """Return an expression that cuts long fractions for the screen."""
    return (
        f"case when regexp_full_match({value}, '-?[0-9]+[.][0-9]{{7,}}(e-?[0-9]+)?')"
        f" then printf('%.6f', cast({value} as double))"
        f" else coalesce({value}, '-') end"
    )


def _values(
    published: Path, period: str | None, most: int | None, looked_at: list[str]
) -> Iterator[str]:
    listed = ", ".join(f"'{name}'" for name in TABLES)
    aside = ", ".join(f"'{name}'" for name in ASIDE)
    causes = ", ".join(f"'{name}'" for name in looked_at)
    # What somebody has to look at is never left out.
    telling = (
        f"(column_name not in ({aside}) or list_contains([{causes}]::varchar[], cause))"
    )
    limit = "" if most is None else f"limit {most + 1}"
    _, found = _ask(
        published,
        f"""
        select
            table_name, row_key, column_name,
            {_shown("frozen_value")}, {_shown("current_value")},
            cause, detail, change
        from closed.restatements
        where {OF_PERIOD} {"" if most is None else "and " + telling}
        order by
            starts_with(cause, 'became_final'),
            coalesce(list_position([{listed}], table_name), {len(TABLES) + 1}),
            table_name, mall_id, cs_uid, day, row_key, column_name
        {limit}
        """,
        period,
    )
    table = None
    for entry in found[:most]:
        if entry[0] != table:
            table = entry[0]
            yield f"{table}: row; figure; frozen -> now; cause"
        _, row_key, column, frozen, current, cause, detail, change = entry
        told = f" ({detail})" if detail else ""
        is_row = column == WHOLE_ROW
        figure = f"row {change}" if is_row else f"{column}: {frozen} -> {current}"
        yield f"  {row_key}; {figure}; {cause}{told}"
    if most is not None and len(found) > most:
        yield "  and more: --all shows them, --csv writes them all"
