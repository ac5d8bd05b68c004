"""The restatements of the published file, for people."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from kefu.closing.restate import is_to_be_looked_at
from kefu.errors import EXIT_PUBLISH, KefuError

# Pay is reckoned from these; what follows from them comes after.
FIRST = ("agent_kpi_daily", "mall_kpi_daily", "agent_kpi_shift_daily")
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
        is_there = connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'closed'"
            " and table_name = 'restatements' and database_name = current_database()"
        ).fetchone()
        if not is_there:
            raise KefuError(
                "the published file knows no closed period: close one with"
                " `kefu close`, and the next run compares it",
                EXIT_PUBLISH,
            )
        cursor = connection.execute(question, {"period": period})
        return [column[0] for column in cursor.description], cursor.fetchall()


def rows(published: Path, period: str | None) -> tuple[list, list]:
    """Return all restatements, with the names of their columns."""
    return _ask(
        published,
        f"select * from closed.restatements where {OF_PERIOD} order by all",
        period,
    )


def lines(published: Path, period: str | None, most: int | None) -> Iterator[str]:
    """Yield the report: counts by cause, then one line a value, `most` of them."""
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
        yield f"{period} was not closed when this version was published"
    for name, revision, is_altered, not_compared, count in periods:
        suffix = f" (revision {revision})" if revision > 1 else ""
        if is_altered:
            yield f"{name}{suffix}: its files are not what was closed: not compared"
        else:
            yield f"{name}{suffix}: {count:,} values would be others now"
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
    yield from _values(published, period, most)


def _shown(value: str) -> str:
    """Return an expression that cuts long fractions for the screen."""
    return (
        f"case when regexp_full_match({value}, '-?[0-9]+[.][0-9]{{7,}}(e-?[0-9]+)?')"
        f" then printf('%.6f', cast({value} as double))"
        f" else coalesce({value}, '-') end"
    )


def _values(published: Path, period: str | None, most: int | None) -> Iterator[str]:
    listed = ", ".join(f"'{name}'" for name in FIRST)
    limit = "" if most is None else f"limit {most + 1}"
    _, found = _ask(
        published,
        f"""
        select
            table_name, row_key, column_name,
            {_shown("frozen_value")}, {_shown("current_value")},
            cause, detail
        from closed.restatements
        where {OF_PERIOD}
        order by
            starts_with(cause, 'became_final'),
            coalesce(list_position([{listed}], table_name), {len(FIRST) + 1}),
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
        _, row_key, column, frozen, current, cause, detail = entry
        told = f" ({detail})" if detail else ""
        yield f"  {row_key}; {column}: {frozen} -> {current}; {cause}{told}"
    if most is not None and len(found) > most:
        yield "  and more: --all shows them, --csv writes them all"
