"""Publishing: the marts into a file of their own, replaced in one rename.

Runs as a process of its own (`python -m kefu.publish`), because DuckDB lets
nobody open a file that another connection has open for writing.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb

from kefu.errors import EXIT_PUBLISH, KefuError, one_line
from kefu.run_lock import held
from kefu.sql import quote_name, quote_text

SCHEMA = "marts"
# The oldest storage format that holds all we need, so that DuckDB 1.4 and
# later, and what is built on them, can open the published file.
STORAGE_VERSION = "v1.4.0"
BUILT, NEXT = "kefu_built", "kefu_next"


def publish(database: Path, published: Path) -> dict:
    """Copy the marts of a finished build and put them in place of the old.

    Tables keep their constraints and comments. Readers that have the old file
    open keep it; who opens it later sees the new one; there is no moment
    without a file. Returns the figures of the summary. Raises KefuError, with
    the published file as it was.
    """
    try:
        published.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KefuError(
            f"the folder {published.parent} of the published file cannot be"
            f" made ({error.strerror}): set KEFU_PUBLISHED to a path you may"
            " write",
            EXIT_PUBLISH,
        ) from error
    with held(published, "publishing"):
        remove_leftovers(published)
        fresh = _temporary(published)
        try:
            copy_marts(database, fresh)
            figures = summary(database)
            _keep_mode(published, fresh)
            _sync(fresh)
            os.replace(fresh, published)
            _sync(published.parent)
        except (duckdb.Error, OSError) as error:
            raise KefuError(
                f"publishing to {published} failed, the file there is as it"
                f" was: {one_line(error, 300)}",
                EXIT_PUBLISH,
            ) from error
        finally:
            for left in (fresh, fresh.with_name(f"{fresh.name}.wal")):
                left.unlink(missing_ok=True)
    return figures


def remove_leftovers(published: Path) -> None:
    """Remove what killed runs left beside the published file."""
    for left in published.parent.glob("*.publishing*"):
        if left.name.startswith(f".{published.name}."):
            left.unlink(missing_ok=True)


def _temporary(published: Path) -> Path:
    return published.parent / f".{published.name}.{os.getpid()}.publishing"


def copy_marts(database: Path, target: Path) -> None:
    """Copy the marts into a new file, with constraints and comments.

    Raises KefuError if there are none, or if a table arrived with another
    number of rows than it has; duckdb.Error for what DuckDB cannot do.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach {quote_text(str(database))} as {BUILT} (read_only)")
        connection.execute(
            f"attach {quote_text(str(target))} as {NEXT}"
            f" (storage_version {quote_text(STORAGE_VERSION)})"
        )
        tables = connection.execute(
            """
            select table_name, sql, comment
            from duckdb_tables()
            where database_name = ? and schema_name = ?
            order by table_name
            """,
            [BUILT, SCHEMA],
        ).fetchall()
        if not tables:
            raise KefuError(
                f"{database} holds no table in the schema {SCHEMA}: build it"
                " first with `kefu run`",
                EXIT_PUBLISH,
            )
        # The statements kept in the catalog name the schema but no database.
        connection.execute(f"use {NEXT}")
        connection.execute(f"create schema {SCHEMA}")
        for name, statement, comment in tables:
            connection.execute(statement)
            _copy_rows(connection, name)
            if comment is not None:
                connection.execute(
                    f"comment on table {_qualified(NEXT, name)}"
                    f" is {quote_text(comment)}"
                )
        _copy_column_comments(connection)
        connection.execute(f"checkpoint {NEXT}")
        connection.execute("use memory")
        connection.execute(f"detach {NEXT}")


def _qualified(database: str, table: str) -> str:
    return f"{database}.{SCHEMA}.{quote_name(table)}"


def _copy_rows(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    built, fresh = _qualified(BUILT, table), _qualified(NEXT, table)
    connection.execute(f"insert into {fresh} by name select * from {built}")
    expected, found = connection.execute(
        f"select (select count(*) from {built}), (select count(*) from {fresh})"
    ).fetchone()
    if expected != found:
        raise KefuError(
            f"{table} was published with {found} rows instead of {expected}:"
            " the published file is as it was; run again",
            EXIT_PUBLISH,
        )


def _copy_column_comments(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute(
        """
        select table_name, column_name, comment
        from duckdb_columns()
        where database_name = ? and schema_name = ? and comment is not null
        """,
        [BUILT, SCHEMA],
    ).fetchall()
    for table, column, comment in rows:
        connection.execute(
            f"comment on column {_qualified(NEXT, table)}.{quote_name(column)}"
            f" is {quote_text(comment)}"
        )


FIGURES = {
    "malls": "select count(*) from marts.dim_malls",
    "agents": "select count(*) from marts.dim_agents",
    "days": "select count(distinct service_date) from marts.mall_kpi_daily",
    "rows in": "select sum(rows_landed)::bigint from marts.data_quality_balance",
    "rows rejected": (
        "select sum(rows_rejected)::bigint from marts.data_quality_balance"
    ),
    "as-of end": "select as_of_end from intermediate.int_as_of_end",
    "newest score day": "select max(as_of_date) from marts.experience_score_30d",
}


def summary(database: Path) -> dict:
    """Return the figures of a finished build: counts, and days as ISO text.

    A figure is None where its table holds nothing or is not there.
    """
    figures = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        for figure, query in FIGURES.items():
            figures[figure] = None
            with contextlib.suppress(duckdb.CatalogException):
                row = connection.execute(query).fetchone()
                value = row[0] if row else None
                is_day = hasattr(value, "isoformat")
                figures[figure] = value.isoformat() if is_day else value
    return figures


def _keep_mode(published: Path, fresh: Path) -> None:
    if published.exists():
        fresh.chmod(published.stat().st_mode & 0o777)


def _sync(path: Path) -> None:
    with _descriptor(path) as descriptor:
        os.fsync(descriptor)


@contextlib.contextmanager
def _descriptor(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def main(arguments: list[str]) -> int:
    """Publish `arguments[0]` to `arguments[1]`; print figures or the error."""
    try:
        figures = publish(Path(arguments[0]), Path(arguments[1]))
    except KefuError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
