"""The ledger: which landed files the working database has read already.

The ledger lies in the database whose rows it accounts for, and a table's part
of it is written in the same transaction as that table's rows (see the macro
book_landing). A file counts as read while its path, its size and the time of its
entry's last change are those in the ledger; where only the time differs its hash
decides, so that a copied or restored landing is not read anew.
"""

import datetime as dt
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import duckdb

from kefu.contract import LANDING_ID, LOADED_AT
from kefu.landing import LandedFile

CHUNK_BYTES = 1 << 20
READ_AGAIN = "KEFU_READ_AGAIN"
# Of a folder's name, or of an attached table's _loaded_at.
LOAD_DAY = re.compile(r"(?:load_date|_loaded_at)=(\d{4}-\d{2}-\d{2})(?:/|$)")
SCHEMA = "ledger"
TABLE = f"{SCHEMA}.landings"
PRESENT = f"{SCHEMA}.present"
TOUCHED = f"{SCHEMA}.touched"

CREATE = f"""
create schema if not exists {SCHEMA};
create table if not exists {TABLE} (
    source varchar not null,
    landing_id bigint not null,
    landing varchar not null,
    size_bytes bigint not null,
    changed_ns bigint not null,
    digest varchar not null
);
create table if not exists {SCHEMA}.landed_rows (
    source varchar not null,
    landing_id bigint,
    load_date date,
    rows bigint not null
);
"""
CREATE_RUN = f"""
create or replace table {PRESENT} as from {TABLE} limit 0;
create or replace table {TOUCHED} as
select source, landing_id from {TABLE} limit 0;
"""


class Entry(NamedTuple):
    """One landed file as it is now, or as it was when it was read."""

    source: str
    landing_id: int
    landing: str
    size_bytes: int
    changed_ns: int
    digest: str


@dataclass(frozen=True)
class Span:
    """Load dates from the first to the last, both included; None is no limit."""

    first: dt.date | None
    last: dt.date | None

    @classmethod
    def from_env(cls) -> "Span | None":
        """Return the span that a run is asked to read again, if it is."""
        text = os.environ.get(READ_AGAIN)
        if not text:
            return None
        first, last = (
            dt.date.fromisoformat(part) if part else None for part in text.split("/")
        )
        return cls(first, last)

    def __str__(self) -> str:
        """Return the span as it stands in the environment."""
        return f"{self.first or ''}/{self.last or ''}"

    def holds(self, landing: str) -> bool:
        """Tell whether the load date in a landing's name lies in the span."""
        found = LOAD_DAY.search(landing)
        if found is None:
            return False
        day = dt.date.fromisoformat(found.group(1))
        return (self.first or day) <= day <= (self.last or day)


@dataclass(frozen=True)
class Comparison:
    """The landings of a run against the ledger."""

    present: tuple[Entry, ...]
    unread: frozenset[str]
    """Names of landings that are new or have changed since they were read."""
    unread_ids: frozenset[int]
    """Their numbers."""
    touched: tuple[tuple[str, int], ...]
    """Source and id of what was added, changed or taken away."""


def landing_id(name: str) -> int:
    """Return the number by which rows remember their file: 63 bits of a hash."""
    digest = hashlib.blake2b(name.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def read(connection: duckdb.DuckDBPyConnection) -> dict[str, Entry]:
    """Return what the database has read, by the name of the file."""
    connection.execute(CREATE)
    rows = connection.execute(f"from {TABLE}").fetchall()
    return {row[2]: Entry(*row) for row in rows}


def compare(
    present: Iterable[Entry],
    known: dict[str, Entry],
    again: Span | None = None,
) -> Comparison:
    """Tell which landings are unread, and whose rows must go or be read anew.

    Those whose load date lies in the span `again` count as changed.
    """
    present = tuple(present)
    unread = [
        entry
        for entry in present
        if entry.landing not in known
        or known[entry.landing].digest != entry.digest
        or (again is not None and again.holds(entry.landing))
    ]
    names = {entry.landing for entry in present}
    gone = [entry for entry in known.values() if entry.landing not in names]
    return Comparison(
        present,
        frozenset(entry.landing for entry in unread),
        frozenset(entry.landing_id for entry in unread),
        tuple(sorted({(e.source, e.landing_id) for e in (*unread, *gone)})),
    )


def entries_of_files(
    files: Iterable[LandedFile], known: dict[str, Entry]
) -> list[Entry]:
    """Return the landed files as they are now, hashed where they may be new."""
    return [_entry(file, known.get(file.name)) for file in files]


def entries_of_views(
    connection: duckdb.DuckDBPyConnection, queries: dict[str, str]
) -> list[Entry]:
    """Return what an attached database holds, one entry a table and load day.

    Its digest is the number of its rows and the sum of their hashes, whatever
    their order.
    """
    entries = []
    for source, query in queries.items():
        rows = connection.execute(
            f"""
            select
                {LANDING_ID},
                count(*),
                sum(hash(landed)),
                min(coalesce(left(trim({LOADED_AT}), 10), ''))
            from ({query}) as landed
            where {LANDING_ID} is not null
            group by {LANDING_ID}
            """
        ).fetchall()
        for number, count, total, day in rows:
            name = f"{source}/{LOADED_AT}={day}"
            entries.append(Entry(source, number, name, count, 0, f"{count}-{total}"))
    return entries


def _entry(file: LandedFile, before: Entry | None) -> Entry:
    size, changed = file.stamp.size, file.stamp.changed_ns
    same = before is not None and (before.size_bytes, before.changed_ns) == (
        size,
        changed,
    )
    digest = before.digest if same else _digest(file)
    return Entry(file.table, landing_id(file.name), file.name, size, changed, digest)


def _digest(file: LandedFile) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with file.path.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_down(connection: duckdb.DuckDBPyConnection, comparison: Comparison) -> None:
    """Make the tables behind the views of run_views() anew."""
    connection.execute(CREATE_RUN)
    for table, rows in (
        (PRESENT, comparison.present),
        (TOUCHED, comparison.touched),
    ):
        columns = [list(values) for values in zip(*rows, strict=True)]
        listed = ", ".join("unnest(?)" for _ in columns)
        if columns:
            connection.execute(f"insert into {table} select {listed}", columns)


def run_views() -> dict[str, str]:
    """Return the queries of raw.landings and raw.touched_landings, by name.

    The first has every file of the run, the second those whose rows it replaces.
    They read tables: a view that holds so many values itself is planned anew with
    each query that names it, and over a year of landings that took longer than
    most models.
    """
    return {"landings": f"from {PRESENT}", "touched_landings": f"from {TOUCHED}"}


def unread_view(query: str, comparison: Comparison) -> str:
    """Return the query of those rows of an attached table that are unread."""
    ids = ", ".join(str(number) for number in sorted(comparison.unread_ids))
    condition = f"{LANDING_ID} in ({ids})" if ids else "false"
    return f"select * from ({query}) as landed where {condition}"
