"""Keeps landed values out of what dbt prints, logs and writes to target/.

DuckDB quotes the value that it stumbles over. dbt copies such a message into
its log, onto the screen and into run_results.json, so it is reworded where it
comes up: between the database and dbt.
"""

import contextlib
import functools
import re
from collections.abc import Iterator

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager

# Their messages speak of statements, names and files, never of rows.
WITHOUT_VALUES = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConnectionException,
    duckdb.DependencyException,
    duckdb.InterruptException,
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.ParserException,
    duckdb.PermissionException,
    duckdb.SequenceException,
    duckdb.SyntaxException,
    duckdb.TransactionException,
)

# Of the others, what may be shown as it is: tables, columns and conditions of
# ours, and the patterns of the keyword seed that do not compile.
KNOWN_SAFE = re.compile(
    r"""Constraint\ Error:\ (
        NOT\ NULL\ constraint\ failed:\ [\w."]+
        | CHECK\ constraint\ failed\ on\ table\ "?\w+"?\ with\ expression\ .*
    )
    | Invalid\ Input\ Error:\ (
        (missing\ [)\]]
        | unexpected\ \)
        | invalid\ (escape\ sequence|character\ class(\ range)?|perl\ operator
            |named\ capture\ group|repetition\ size)
        | (no|missing)\ argument\ (for|to)\ repetition\ operator
        | bad\ repetition\ operator
        | trailing\ \\):?.*
        | More\ than\ one\ row\ returned\ by\ a\ subquery.*
        | refused:\ .+\ holds\ rows\ with\ the\ _loaded_at\ [\d\ :-]+,\ .*
    )""",
    re.VERBOSE | re.DOTALL,
)

REWORDED = (
    (duckdb.ConversionException, "Conversion Error: a value cannot be converted"),
    (duckdb.OutOfRangeException, "Out of Range Error: a number is too large"),
    (duckdb.ConstraintException, "Constraint Error: a key stands twice"),
)


def without_landed_values(error: duckdb.Error) -> str:
    """Return what may be written down of an error of DuckDB."""
    text = str(error)
    if isinstance(error, WITHOUT_VALUES) or KNOWN_SAFE.fullmatch(text.strip()):
        return text
    for kind, said in REWORDED:
        if isinstance(error, kind):
            return said
    return f"{type(error).__name__}: a value cannot be read or computed"


@contextlib.contextmanager
def reworded() -> Iterator[None]:
    """Raise an error of DuckDB as a RuntimeError that quotes no value."""
    try:
        yield
    except duckdb.Error as error:
        # Not chained: a traceback would print the first message after all.
        raise RuntimeError(without_landed_values(error)) from None


@functools.cache
def install() -> None:
    """Have dbt's DuckDB adapter reword its errors, from now on."""
    handle = DuckDBConnectionManager.exception_handler
    fetch = DuckDBConnectionManager.get_result_from_cursor.__func__

    @contextlib.contextmanager
    def exception_handler(
        self: DuckDBConnectionManager, sql: str, connection_name: str = "master"
    ) -> Iterator[None]:
        with handle(self, sql, connection_name), reworded():
            yield

    def get_result_from_cursor(
        cls: type[DuckDBConnectionManager], cursor: object, limit: int | None
    ) -> object:
        with reworded():
            return fetch(cls, cursor, limit)

    DuckDBConnectionManager.exception_handler = exception_handler
    DuckDBConnectionManager.get_result_from_cursor = classmethod(get_result_from_cursor)
