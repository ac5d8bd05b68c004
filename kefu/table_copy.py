"""Copying tables: into a new DuckDB file as they are, or to Parquet."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import duckdb

from kefu.errors import EXIT_PUBLISH, KefuError
from kefu.files import remove
from kefu.sql import quote_name, quote_path, quote_text

# The oldest storage format that holds all we need, so that DuckDB 1.4 and
# later, and what is built on them, can open the published file.
STORAGE_VERSION = "v1.4.0"
SOURCE, FRESH = "kefu_built", "kefu_next"
NO_BLANKS: Mapping[str, Collection[str]] = MappingProxyType({})


def copy_schemas(
    source: Path,
    target: Path,
    schemas: Iterable[str],
    blank: Mapping[str, Collection[str]] = NO_BLANKS,
) -> None:
    """Copy the tables of some schemas into a new file.

    Constraints and comments come along. Columns whose name is in `blank` of
    their schema are kept, of the same type, and hold nothing. Raises KefuError
    if there is no table, or if one arrived with another number of rows than it
    has; duckdb.Error for what DuckDB cannot do.
    """
    # What does not fit into memory is spilled beside the new file: the disk
    # that holds the result, not the folder that the command was called from.
    spill = target.with_name(f"{target.name}.spill")
    with duckdb.connect(config={"temp_directory": str(spill)}) as connection:
        connection.execute(f"attach {quote_text(str(source))} as {SOURCE} (read_only)")
        connection.execute(
            f"attach {quote_text(str(target))} as {FRESH}"
            f" (storage_version {quote_text(STORAGE_VERSION)})"
        )
        # The statements kept in the catalog name the schema but no database.
        connection.execute(f"use {FRESH}")
        copied = [
            _copy_schema(connection, schema, frozenset(blank.get(schema, ())))
            for schema in schemas
        ]
        if not any(copied):
            raise KefuError(
                f"{source} holds no table in the schema {', '.join(schemas)}:"
                " build it first with `kefu run`",
                EXIT_PUBLISH,
            )
        connection.execute(f"checkpoint {FRESH}")
        connection.execute("use memory")
        connection.execute(f"detach {FRESH}")
    remove(spill)


def _copy_schema(
    connection: duckdb.DuckDBPyConnection, schema: str, blank: frozenset[str]
) -> int:
    """Copy the tables of one schema; return how many there are."""
    tables = connection.execute(
        """
        select table_name, sql, comment
        from duckdb_tables()
        where database_name = ? and schema_name = ?
        order by table_name
        """,
        [SOURCE, schema],
    ).fetchall()
    if not tables:
        return 0
    connection.execute(f"create schema {quote_name(schema)}")
    for name, statement, comment in tables:
        connection.execute(statement)
        _copy_rows(connection, schema, name, blank)
        if comment is not None:
            connection.execute(
                f"comment on table {_qualified(FRESH, schema, name)}"
                f" is {quote_text(comment)}"
            )
    _copy_column_comments(connection, schema, blank)
    return len(tables)


def _qualified(database: str, schema: str, table: str) -> str:
    return f"{database}.{quote_name(schema)}.{quote_name(table)}"


def _columns_of(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str
) -> list[str]:
    rows = connection.execute(
        """
        select column_name
        from duckdb_columns()
        where database_name = ? and schema_name = ? and table_name = ?
        order by column_index
        """,
        [SOURCE, schema, table],
    ).fetchall()
    return [name for (name,) in rows]


def _copy_rows(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    blank: frozenset[str],
) -> None:
    built, fresh = (_qualified(place, schema, table) for place in (SOURCE, FRESH))
    blanked = ", ".join(
        f"null as {quote_name(name)}"
        for name in _columns_of(connection, schema, table)
        if name.lower() in blank
    )
    columns = f"* replace ({blanked})" if blanked else "*"
    connection.execute(f"insert into {fresh} by name select {columns} from {built}")
    expected, found = connection.execute(
        f"select (select count(*) from {built}), (select count(*) from {fresh})"
    ).fetchone()
    if expected != found:
        raise KefuError(
            f"{table} was published with {found} rows instead of {expected}:"
            " the published file is as it was; run again",
            EXIT_PUBLISH,
        )


def _copy_column_comments(
    connection: duckdb.DuckDBPyConnection, schema: str, blank: frozenset[str]
) -> None:
    rows = connection.execute(
        """
        select table_name, column_name, coalesce(comment, '')
        from duckdb_columns()
        where database_name = ? and schema_name = ?
        """,
        [SOURCE, schema],
    ).fetchall()
    for table, column, comment in rows:
        note = "Left out of this file." if column.lower() in blank else ""
        told = f"{comment} {note}".strip()
        if told:
            connection.execute(
                f"comment on column {_qualified(FRESH, schema, table)}"
                f".{quote_name(column)} is {quote_text(told)}"
            )


def schemas_of(database: Path) -> list[str]:
    """Return the schemas of a DuckDB file that hold tables, sorted."""
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            """
            select distinct schema_name
            from duckdb_tables()
            where database_name = current_database()
            order by schema_name
            """
        ).fetchall()
    return [name for (name,) in rows]


def write_parquet(source: Path, folder: Path, schema: str, run_id: str) -> None:
    """Write each table of a schema as <folder>/<table>.parquet.

    The run's id stands in each file's metadata as `kefu_run_id`. Raises
    KefuError for a table whose name is no file name, or if a file holds
    another number of rows than its table.
    """
    folder.mkdir()
    with duckdb.connect(str(source), read_only=True) as connection:
        tables = connection.execute(
            """
            select table_name
            from duckdb_tables()
            where database_name = current_database() and schema_name = ?
            order by table_name
            """,
            [schema],
        ).fetchall()
        for (name,) in tables:
            path = folder / f"{name}.parquet"
            if path.parent != folder:
                raise KefuError(
                    f"the table {name} cannot be written as Parquet: its name is"
                    " no file name",
                    EXIT_PUBLISH,
                )
            table = f"{quote_name(schema)}.{quote_name(name)}"
            connection.execute(
                f"copy {table} to {quote_text(str(path))} (format parquet,"
                f" compression zstd, kv_metadata {{kefu_run_id:"
                f" {quote_text(run_id)}}})"
            )
            expected, found = connection.execute(
                f"select (select count(*) from {table}), (select sum(num_rows)"
                f" from parquet_file_metadata({quote_path(path)}))"
            ).fetchone()
            if expected != found:
                raise KefuError(
                    f"{path.name} was written with {found} rows instead of"
                    f" {expected}: the published file is as it was; run again",
                    EXIT_PUBLISH,
                )
