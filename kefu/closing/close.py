"""Closing a period: the current version's figures, frozen for pay."""

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kefu.closing.store import INPUT_DAYS, Closing, Closings
from kefu.closing.tables import CLOSED_TABLES, days_until_final
from kefu.errors import EXIT_PUBLISH, EXIT_USAGE, KefuError, one_line
from kefu.files import remove
from kefu.run_lock import held
from kefu.run_record import RunRecord, now, project_vars
from kefu.settings import Settings
from kefu.sql import quote_text
from kefu.versions import FILE, Version, Versions, publication_in

PERIOD = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
NOT_FINAL, UNTESTED, INCOMPLETE = "not_final", "untested", "incomplete"
COMPLETENESS = """
select
    count(*) filter (status in ('low', 'missing')),
    arg_min(
        source || ' of mall ' || mall_id || ' on ' || date_day,
        (date_day, source, mall_id)
    ) filter (status in ('low', 'missing')),
    count(*) filter (status = 'not_judged'),
    count(*)
from marts.data_completeness
where date_day between $first_day and $last_day
"""
# Of sources that every shop has each day. A first rating may well come late.
DATA_BEGIN = """
select max(first_day)
from (
    select min(date_day) as first_day
    from marts.data_completeness
    where source in ('messages', 'orders')
    group by source
)
where first_day > $first_day
"""


@dataclass(frozen=True)
class Decision:
    """What somebody decided: which period, and what to close it in spite of."""

    period: str
    decided_by: str
    in_spite_of_not_final: bool = False
    in_spite_of_untested: bool = False
    in_spite_of_incomplete: bool = False
    revision_reason: str | None = None
    """Why a closed period is closed once more."""


def days_of(period: str) -> tuple[dt.date, dt.date]:
    """Return the first and last day of a month written YYYY-MM.

    Raises KefuError for anything else.
    """
    match = PERIOD.fullmatch(period)
    year, month = (int(part) for part in match.groups()) if match else (0, 0)
    if year < dt.MINYEAR:
        raise KefuError(
            f"{one_line(period, 40)} is no month: write it as in 2026-10", EXIT_USAGE
        )
    last = calendar.monthrange(year, month)[1]
    return dt.date(year, month, 1), dt.date(year, month, last)


def close(settings: Settings, decision: Decision) -> Closing:
    """Freeze a period of the current published version; return the closing.

    Raises KefuError, with nothing written, if there is no such version, if it
    is damaged or did not pass, if the period is not over, not final or not
    complete, or if it is closed already.
    """
    days = days_of(decision.period)
    published = settings.published
    if not published.is_file():
        raise KefuError(
            f"there is no published file {published}: publish one with `kefu run`",
            EXIT_PUBLISH,
        )
    try:
        with held(published, "closing", wait=True):
            return _close(settings, decision, days)
    except (duckdb.Error, OSError) as error:
        raise KefuError(
            f"{decision.period} was not closed: {one_line(error, 300)}", EXIT_PUBLISH
        ) from error


def _close(
    settings: Settings, decision: Decision, days: tuple[dt.date, dt.date]
) -> Closing:
    closings = Closings(settings.published)
    revision = _revision(closings, decision)
    version = current_version(settings.published)
    record = RunRecord.from_dict(version.manifest)
    variables = project_vars(settings.root) | record.vars
    overrides = []
    if not record.has_passed:
        if not decision.in_spite_of_untested:
            raise KefuError(
                f"the published version {version.run_id} did not pass all tests and"
                " the audit: publish one that did with `kefu run`, or add --untested",
                EXIT_PUBLISH,
            )
        overrides.append(UNTESTED)
    as_of_end = version.publication.get("as_of_end")
    if not_final(version, days, as_of_end, variables, decision):
        overrides.append(NOT_FINAL)
    completeness = _completeness(version.file, days, decision)
    if completeness.get("incomplete_days") or completeness.get("data_begin"):
        overrides.append(INCOMPLETE)
    closing = Closing(
        period=decision.period,
        revision=revision,
        first_day=days[0].isoformat(),
        last_day=days[1].isoformat(),
        run_id=version.run_id,
        closed_at=now(),
        decided_by=decision.decided_by,
        as_of_end=as_of_end,
        overrides=overrides,
        reason=decision.revision_reason,
        **completeness,
        run=_known_of(record, version, variables),
    )
    unfinished = closings.begin(closing)
    try:
        rows = _freeze(version.file, unfinished, days)
        if not sum(rows[name] for name in rows if name != INPUT_DAYS):
            raise KefuError(
                f"the published version has no row of {decision.period}: it begins"
                " later, or the period is another one",
                EXIT_PUBLISH,
            )
        Versions(settings.published).pin(version.run_id, f"closing {closing.name}")
        return closings.keep(unfinished, closing, rows)
    finally:
        remove(unfinished)


def _revision(closings: Closings, decision: Decision) -> int:
    earlier = closings.of_period(decision.period)
    if earlier and not decision.revision_reason:
        last = earlier[-1]
        raise KefuError(
            f"{decision.period} was closed by {last.decided_by} at {last.closed_at} and"
            " stays as it is: to close it once more, beside that, add --revise REASON",
            EXIT_PUBLISH,
        )
    if decision.revision_reason and not earlier:
        raise KefuError(
            f"{decision.period} is not closed yet, so there is nothing to revise:"
            " leave --revise out",
            EXIT_USAGE,
        )
    return earlier[-1].revision + 1 if earlier else 1


def current_version(published: Path) -> Version:
    """Return the version that the published file is, checked byte for byte."""
    current = publication_in(published)
    if current is None:
        raise KefuError(
            f"{published} does not say which version it is: publish it anew with"
            " `kefu run`",
            EXIT_PUBLISH,
        )
    version = Versions(published).find(current["run_id"])
    version.check([FILE])
    return version


def not_final(
    version: Version,
    days: tuple[dt.date, dt.date],
    as_of_end: str | None,
    variables: dict,
    decision: Decision,
) -> bool:
    """Return whether the period can still change by rule, as was said to be fine.

    Raises KefuError if it is not over, or if it is not final and nobody said
    that this does not matter.
    """
    _, last_day = days
    end = dt.date.fromisoformat(as_of_end) if as_of_end else None
    if end is None or end < last_day:
        raise KefuError(
            f"{decision.period} is not over: the published figures end with"
            f" {as_of_end or 'no day at all'}; it can be closed as not final once"
            f" they end with {last_day}",
            EXIT_PUBLISH,
        )
    final_end = last_day + dt.timedelta(days_until_final(variables))
    if end >= final_end and not _open_days(version.file, days):
        return False
    if not decision.in_spite_of_not_final:
        raise KefuError(
            f"{decision.period} is not final: conversions, net sales and replies of its"
            f" last days can still change; the published figures end with {end}, it"
            f" can be closed once they end with {final_end}, that is with the data"
            f" of {final_end + dt.timedelta(1)}, or at once with --not-final",
            EXIT_PUBLISH,
        )
    return True


def _open_days(file: Path, days: tuple[dt.date, dt.date]) -> int:
    """Return how many daily rows of the period say themselves that they are open."""
    total = 0
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute(
            """
            select table_name, list(column_name)
            from duckdb_columns()
            where database_name = current_database() and schema_name = 'marts'
                and column_name in ('is_conversion_final', 'is_response_final')
            group by table_name
            """
        ).fetchall()
        for table, flags in rows:
            if table in CLOSED_TABLES:
                day = CLOSED_TABLES[table].day
                condition = " and ".join(flags)
                total += connection.execute(
                    f"select count(*) from marts.{table}"
                    f" where {day} between ? and ? and not ({condition})",
                    list(days),
                ).fetchone()[0]
    return total


def _completeness(
    file: Path, days: tuple[dt.date, dt.date], decision: Decision
) -> dict:
    """Return what Closing holds of the period's completeness; {}: not known.

    Raises KefuError if rows are missing, or the data begin within the period, and
    nobody said that this does not matter.
    """
    first, last = days
    with duckdb.connect(str(file), read_only=True) as connection:
        try:
            incomplete, example, unjudged, total = connection.execute(
                COMPLETENESS, {"first_day": first, "last_day": last}
            ).fetchone()
            (begin,) = connection.execute(DATA_BEGIN, {"first_day": first}).fetchone()
        except duckdb.CatalogException:
            return {}
    missing = []
    if begin:
        missing.append(f"the data begin with {begin}")
    if incomplete:
        missing.append(
            f"rows are missing or few on {incomplete:,} days of a mall and source,"
            f" such as {example}"
        )
    if missing and not decision.in_spite_of_incomplete:
        raise KefuError(
            f"{decision.period} is not complete: {', and '.join(missing)}; have them"
            " delivered (see marts.data_completeness), or close all the same with"
            " --incomplete",
            EXIT_PUBLISH,
        )
    return {
        "data_begin": begin.isoformat() if begin else None,
        "incomplete_days": incomplete,
        "unjudged_days": unjudged,
        "days_of_data": total,
    }


def _known_of(record: RunRecord, version: Version, variables: dict) -> dict:
    return {
        "versions": record.versions,
        "git_commit": record.git_commit,
        "project_hash": record.project_hash,
        "figures_hash": record.figures_hash,
        "seeds_hash": record.seeds_hash,
        "vars": variables,
        "buyer_key_check": record.buyer_key_check,
        "finished_at": record.finished_at,
        "newest_loaded_at": version.publication.get("newest_loaded_at"),
    }


def _freeze(file: Path, folder: Path, days: tuple[dt.date, dt.date]) -> dict[str, int]:
    """Write the period's rows; return how many of each table."""
    first, last = days
    rows = {}
    with duckdb.connect(str(file), read_only=True) as connection:
        there = {
            tuple(name)
            for name in connection.execute(
                "select schema_name, table_name from duckdb_tables()"
                " where database_name = current_database()"
            ).fetchall()
        }
        for name, table in CLOSED_TABLES.items():
            if ("marts", name) in there:
                rows[name] = _write(
                    connection,
                    f"select * from marts.{name} where {table.day} between"
                    f" date '{first}' and date '{last}'"
                    f" order by {', '.join(table.keys)}",
                    folder / f"{name}.parquet",
                )
        if ("meta", INPUT_DAYS) in there:
            rows[INPUT_DAYS] = _write(
                connection,
                f"select * from meta.{INPUT_DAYS} order by all",
                folder / f"{INPUT_DAYS}.parquet",
            )
    return rows


def _write(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> int:
    (rows,) = connection.execute(
        f"copy ({query}) to {quote_text(str(file))} (format parquet, compression zstd)"
    ).fetchone()
    return rows
