"""After a failed build: whether the input or the machine is at fault.

Before a build only headers of files are read, because reading everything twice
would double the cost of input that is almost always sound.
"""

import dataclasses

import duckdb

from kefu.contract import Table, read_contract
from kefu.errors import EXIT_BUILD, KefuError
from kefu.faults import exhausted, fault, refused_landing, refused_write
from kefu.landing import FileGroup, unreadable
from kefu.raw_input import RawInput, check_unchanged, read_input
from kefu.raw_views import group_select
from kefu.settings import Settings
from kefu.sql import quote_name


def from_outside(
    settings: Settings, failed: list, exception: BaseException | None
) -> KefuError | None:
    """Return the error of a failure that neither a model nor a row has caused.

    `failed` are dbt's results of the nodes that failed, `exception` is what
    ended dbt itself. None means that the cause is to be looked for elsewhere.
    """
    try:
        check_unchanged(settings)
    except KefuError as error:
        return error
    # Short of memory or disk, a small test may be what broke beside a large model.
    for entry in sorted(failed, key=lambda item: item.node.resource_type == "test"):
        landing = refused_landing(entry.message)
        if landing:
            return KefuError(
                f"{landing}; or let them pass with --accept loaded_in_future"
                " --reason TEXT"
            )
        resource = exhausted(entry.message)
        if resource:
            name = f"{entry.node.resource_type} {entry.node.name}"
            return KefuError(
                f"{name} failed: {resource}; nothing was published", EXIT_BUILD
            )
    refused = refused_write(exception) if isinstance(exception, OSError) else None
    refused = refused or exhausted(exception)
    return KefuError(f"{refused}; nothing was published") if refused else None


def find_unreadable(settings: Settings) -> KefuError | None:
    """Return the error of the first file or table that cannot be read.

    Every value of every column of the contract is read, each file alone, from
    the list that the run froze. None means that the input is not at fault.
    """
    raw = read_input(settings)
    contract = read_contract(settings.root)
    with duckdb.connect() as connection:
        for statement in raw.prepare:
            connection.execute(statement)
        for table in contract.values():
            found = _broken_file(connection, table, raw)
            if found:
                return found
    return None


def _broken_file(
    connection: duckdb.DuckDBPyConnection, table: Table, raw: RawInput
) -> KefuError | None:
    if raw.landing is None:
        found = _fault(connection, table, raw.queries[table.name])
        if not found:
            return None
        column, reason = found
        where = f", column {column}," if column else ""
        return KefuError(
            f"{table.name}: its table in KEFU_RAW_DATABASE{where} cannot be read"
            f" ({reason}): make the database anew"
        )
    for group in raw.landing.of_table(table.name):
        for file in group.files:
            alone: FileGroup = dataclasses.replace(group, files=(file,))
            found = _fault(connection, table, group_select(table, alone))
            if found:
                column, reason = found
                return unreadable(file, reason, column)
    return None


def _fault(
    connection: duckdb.DuckDBPyConnection, table: Table, query: str
) -> tuple[str | None, str] | None:
    """Return the column at fault, if it is one alone, and what is wrong."""
    error = _read(connection, table.columns, query)
    if error is None:
        return None
    for column in table.columns:
        alone = _read(connection, (column,), query)
        if alone is not None:
            return column, fault(alone)
    return None, fault(error)


def _read(
    connection: duckdb.DuckDBPyConnection, columns: tuple[str, ...], query: str
) -> duckdb.Error | None:
    # A hash needs the value; a count would be content with the page's header.
    hashes = ", ".join(f"bit_xor(hash({quote_name(name)}))" for name in columns)
    try:
        connection.execute(f"select {hashes} from ({query})").fetchall()
    except duckdb.OutOfMemoryException:
        return None
    except duckdb.Error as error:
        return error
    return None
