"""The database that Great Expectations looks at: DuckDB through SQLAlchemy.

Great Expectations has no DuckDB source of its own; duckdb-engine makes one of
its SQL source. What is audited is attached to a database in memory that only
this process sees, so the working and the published file are opened read-only
and nothing is written to either.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kefu.sql import quote_text

if TYPE_CHECKING:
    import duckdb

WORKING = "working"
PUBLISHED = "published"
MEASURES = "audit"

# The range of what is usual, from a list of what was seen: a tenth at either
# end is passed over, one value at least. One day that was missing, or accepted,
# would otherwise make every later one like it look usual for as long as it is
# looked back on.
_PLACE = "least(len(seen), greatest(2, cast(ceil(len(seen) / 10) as bigint)))"
BOUNDS = (
    f"create macro {MEASURES}.lower_bound(seen) as list_sort(seen)[{_PLACE}]",
    f"create macro {MEASURES}.upper_bound(seen) as list_reverse_sort(seen)[{_PLACE}]",
)

_numbers = itertools.count(1)


@dataclass(frozen=True)
class AuditDatabase:
    """An open audit database: its URL for SQLAlchemy and a connection to it."""

    url: str
    connection: "duckdb.DuckDBPyConnection"
    has_published: bool


def repair_duckdb_engine() -> None:
    """Give every cursor of duckdb-engine a DuckDB cursor of its own.

    Great Expectations asks the next question before it has read the last
    answer. duckdb-engine 0.17 asks both over one connection, where the second
    answer replaces the first, and every check fails with "list index out of
    range". tests/python/test_audit.py fails when this is needed no longer.
    """
    import duckdb_engine  # noqa: PLC0415

    duckdb_engine.ConnectionWrapper.cursor = lambda self: duckdb_engine.CursorWrapper(
        self._ConnectionWrapper__c.cursor(), self
    )


@contextmanager
def audit_database(working: Path, published: Path | None) -> Iterator[AuditDatabase]:
    """Open a database in memory with both files attached read-only.

    `published` is None where nothing was published yet. Raises duckdb.Error if
    a file cannot be opened.
    """
    import sqlalchemy  # noqa: PLC0415

    repair_duckdb_engine()
    # The name is what lets several connections see the same memory; DuckDB
    # wants all of them to be opened alike, which is left to duckdb-engine.
    url = f"duckdb:///:memory:kefu_audit_{os.getpid()}_{next(_numbers)}"
    engine = sqlalchemy.create_engine(url)
    opened = engine.raw_connection()
    try:
        connection = opened.driver_connection
        connection.execute("set TimeZone = 'UTC'")
        # Where DuckDB would put it for the working database itself.
        spill = working.with_name(f"{working.name}.audit.tmp")
        connection.execute(f"set temp_directory = {quote_text(str(spill))}")
        limit = os.environ.get("KEFU_MEMORY_LIMIT") or "3GB"
        connection.execute(f"set memory_limit = {quote_text(limit)}")
        _attach(connection, working, WORKING)
        if published is not None:
            _attach(connection, published, PUBLISHED)
        connection.execute(f"create schema {MEASURES}")
        for macro in BOUNDS:
            connection.execute(macro)
        yield AuditDatabase(url, connection, published is not None)
    finally:
        opened.close()
        engine.dispose()
        forget_dialects()


def forget_dialects() -> None:
    """Empty the caches in which SQLAlchemy keeps every dialect it had.

    A dialect holds types of DuckDB's, and whatever of those is alive when the
    process ends, DuckDB's library complains about on the screen.
    """
    import duckdb_engine  # noqa: PLC0415

    for kind in duckdb_engine.Dialect.__mro__:
        for kept in vars(kind).values():
            if hasattr(kept, "cache_clear"):
                kept.cache_clear()


def _attach(connection: "duckdb.DuckDBPyConnection", path: Path, name: str) -> None:
    connection.execute(f"attach {quote_text(str(path))} as {name} (read_only)")
