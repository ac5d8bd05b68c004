"""What a run reads, frozen once a process: landing files or a database."""

import functools
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from kefu.contract import NEEDED_TABLES, Table, read_contract
from kefu.errors import KefuError, one_line
from kefu.known_headers import header_rules, keep_headers, read_headers
from kefu.landing import (
    Field,
    Landing,
    Stamp,
    check_columns,
    freeze,
    unknown_columns,
)
from kefu.raw_views import attached_select, empty_select, view_sql
from kefu.settings import Settings
from kefu.sql import quote_name, quote_text

LANDED = "kefu_landed"


@dataclass(frozen=True)
class RawInput:
    """The queries of the raw views and what must run before them."""

    queries: dict[str, str]
    warnings: list[str] = field(default_factory=list)
    prepare: tuple[str, ...] = ()
    landing: Landing | None = None
    """The files that the queries read; None for an attached database."""
    database: tuple[Stamp | None, ...] = ()
    """The attached database and its log as they were found."""


@functools.cache
def read_input(settings: Settings) -> RawInput:
    """Freeze and check the input of this process.

    Cached, so that every connection of a run sees the same files however
    many are delivered meanwhile. Raises KefuError for input that a run must
    not start on.
    """
    rules = header_rules(settings)
    contract = read_contract(settings.root)
    if settings.raw_database:
        return _read_database(settings.raw_database, contract)
    known = read_headers(settings, rules)
    landing = freeze(settings.raw_root, contract, known=known)
    keep_headers(settings, rules, landing, known)
    queries = {name: view_sql(table, landing) for name, table in contract.items()}
    return RawInput(queries, landing.warnings, landing=landing)


def check_unchanged(settings: Settings) -> None:
    """Raise KefuError if the input is not as it was when it was frozen.

    Called when all has been read: a build reads its files several times, and a
    file that was replaced or taken away in between would leave figures of two
    moments. A file that was added meanwhile is none of this run's.
    """
    raw = read_input(settings)
    again = "nothing was published, run again"
    if raw.landing is None:
        if stamps_of(settings.raw_database) != raw.database:
            raise KefuError(
                f"input changed during the run: {settings.raw_database} was written"
                f" or replaced; {again}"
            )
        return
    changed = [file for file in raw.landing.files if Stamp.of(file.path) != file.stamp]
    if changed:
        first = changed[0]
        done = "replaced or written over" if first.path.exists() else "taken away"
        more = f", and {len(changed) - 1} more changed" if len(changed) > 1 else ""
        raise KefuError(
            f"input changed during the run: {first.table}: file {first.name} was"
            f" {done}{more}; {again}"
        )


def stamps_of(database: Path) -> tuple[Stamp | None, ...]:
    """Return the stamps of a database and of the log beside it.

    What was committed last may stand in the log only.
    """
    log = database.with_name(f"{database.name}.wal")
    return Stamp.of(database), Stamp.of(log)


def _read_database(path: Path, contract: dict[str, Table]) -> RawInput:
    if not path.is_file():
        raise KefuError(
            f"KEFU_RAW_DATABASE names {path}, which is no file: name a DuckDB"
            " database, or unset it to read the landing folders"
        )
    stamps = stamps_of(path)
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            rows = connection.execute(
                """
                select lower(table_name), table_name, column_name, data_type
                from duckdb_columns()
                where schema_name = 'main'
                    and database_name = current_database()
                order by table_name, column_index
                """
            ).fetchall()
    except duckdb.Error as error:
        raise KefuError(
            f"KEFU_RAW_DATABASE names {path}, which cannot be opened for"
            f" reading ({one_line(error, 240)}): end the process that writes"
            " it, or name another file"
        ) from error
    fields: dict[str, list[Field]] = {}
    spelled: dict[str, str] = {}
    for key, name, column, data_type in rows:
        fields.setdefault(key, []).append(Field(column, data_type))
        spelled[key] = name
    queries, warnings = {}, []
    for name, table in contract.items():
        if name in fields:
            check_columns(table, fields[name], f"table {spelled[name]} of {path.name}")
            relation = f"{LANDED}.main.{quote_name(spelled[name])}"
            queries[name] = attached_select(table, relation, fields[name])
            warnings.extend(unknown_columns(table, fields[name]))
        elif name in NEEDED_TABLES:
            raise KefuError(
                f"{name}: there is no such table in the schema main of"
                f" {path.name}: create it, of zero rows if need be"
            )
        else:
            queries[name] = empty_select(table)
            if not table.is_official:
                warnings.append(f"{name}: no such table, read as an empty table")
    attach = f"attach if not exists {quote_text(str(path))} as {LANDED} (read_only)"
    return RawInput(queries, warnings, (attach,), database=stamps)


def try_to_write(folder: Path) -> None:
    """Make a file in the folder and remove it; raises OSError if that fails.

    The permission bits tell little: they do not bind the superuser, and a
    file system may be read-only whatever they say.
    """
    with tempfile.NamedTemporaryFile(prefix=".kefu-", dir=folder):
        pass


def check_memory_limit(limit: str | None) -> None:
    """Raise KefuError if DuckDB does not take the limit (None: its own)."""
    if limit is None:
        return
    try:
        duckdb.connect(config={"memory_limit": limit}).close()
    except duckdb.Error as error:
        raise KefuError(
            f"KEFU_MEMORY_LIMIT, or memory_limit in the profile, is {limit!r}, which"
            f" is no amount of memory ({one_line(error, 160)}): write it as in 3GB"
        ) from error


def make_working_folder(file: Path) -> None:
    """Make the folder of the working database.

    Raises KefuError if that, or writing a file into it, is not possible.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KefuError(
            f"the folder {file.parent} of the working database cannot be made"
            f" ({error.strerror}): set KEFU_DATABASE to a path you may write"
        ) from error
    try:
        try_to_write(file.parent)
    except OSError as error:
        raise KefuError(
            f"the folder {file.parent} of the working database is not"
            f" writable ({error.strerror}): set KEFU_DATABASE to a path you may"
            " write"
        ) from error


def open_working_database(path: str, config: dict | None = None) -> None:
    """Make the working database's folder and open the file once.

    Raises KefuError where dbt would end in a traceback: no permission, not a
    database, or open in another process.
    """
    file = Path(path)
    config = config or {}
    make_working_folder(file)
    check_memory_limit(config.get("memory_limit"))
    try:
        bring_in_log(file)
        duckdb.connect(str(file), config=config).close()
    except duckdb.Error as error:
        raise KefuError(
            f"the working database {file} cannot be opened for writing"
            f" ({one_line(error, 240)}): close what has it open, or set"
            " KEFU_DATABASE to another file; if nothing has, move it away: a run"
            " builds it anew from the landings"
        ) from error


def spilled(database: Path) -> tuple[Path, ...]:
    """Return the folders for what does not fit into the memory of build and audit.

    And the one for the copy that the documentation is made of. Whoever is killed
    leaves them behind, with landed rows in clear.
    """
    return (
        database.with_name(f"{database.name}.tmp"),
        database.with_name(f"{database.name}.audit.tmp"),
        docs_copy(database),
    )


def docs_copy(database: Path) -> Path:
    """Return the folder for the copy that dbt describes."""
    return database.with_name(f"{database.name}.docs.tmp")


def bring_in_log(file: Path) -> None:
    """Write what a killed process left in the log beside a database into it.

    DuckDB does so itself when it opens the file, but 2.0 does it before its
    own functions are there, and fails if a check of a changed table calls one.
    To a database that is attached they are. Raises duckdb.Error.
    """
    log = file.with_name(f"{file.name}.wal")
    if not (file.exists() and log.exists()):
        return
    with duckdb.connect() as connection:
        connection.execute(f"attach {quote_text(str(file))} as left_behind")
        connection.execute("checkpoint left_behind")
        connection.execute("detach left_behind")
