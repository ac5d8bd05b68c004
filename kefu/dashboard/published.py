"""The published file as the pages read it: always the newest, never locked.

A publication takes the place of the file by a rename. So each request looks
which file lies there now, by its number, time and size; while it is the same,
answers are remembered, and when it is another one, that one is opened and all
that was remembered goes with the old one.
"""

import threading
from collections import OrderedDict
from datetime import date
from importlib import resources
from pathlib import Path

import duckdb
import polars as pl

from kefu.errors import KefuError
from kefu.sql import quote_text

Identity = tuple[int, int, int, int]
Value = str | int | float | bool | date | None

KEPT_ANSWERS = 256
ATTEMPTS = 5

# What the pages need at least; a file of an older version may lack them.
NEEDED = (
    *("dim_mall_groups", "dim_score_curve", "dim_score_modules", "dim_score_tiers"),
    *("dim_malls", "dim_metrics", "dim_problems", "experience_score_30d"),
)


class NothingPublishedError(KefuError):
    """There is no published file yet."""


class UnreadableFileError(KefuError):
    """What lies in the published place cannot be read as a published file."""


def identity_of(file: Path) -> Identity | None:
    """Return what tells one file in a place from the next; None without one."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


class Published:
    """One published file, open for reading, with the answers it gave.

    DuckDB shares one instance among all who open a path in a process, the old
    file with it; an instance of our own that attaches the file does not.
    """

    def __init__(self, file: Path) -> None:
        """Open the file.

        Raises NothingPublishedError if it is not there, and UnreadableFileError
        if it is no published file of this version.
        """
        self.file = file
        self._answers: OrderedDict[tuple, pl.DataFrame] = OrderedDict()
        self._lock = threading.Lock()
        for _ in range(ATTEMPTS):
            before = identity_of(file)
            if before is None:
                raise NothingPublishedError(
                    f"there is no {file} yet: build it with `kefu run`"
                )
            connection = _attached(file)
            # Replaced in between, it might be the new file under the old name.
            if identity_of(file) == before:
                break
            connection.close()
        self.identity = before
        self._connection = connection
        self._check()

    def _check(self) -> None:
        found = self._connection.execute(
            """
            select table_name
            from information_schema.tables
            where table_catalog = 'published' and table_schema in ('marts', 'meta')
            """
        ).fetchall()
        lacking = {*NEEDED, "publication"} - {name for (name,) in found}
        if lacking:
            self._connection.close()
            raise UnreadableFileError(
                f"{self.file} lacks {', '.join(sorted(lacking))}: it is of an older"
                " version or was not written by `kefu run`; run it"
            )

    def ask(self, name: str, /, **values: Value) -> pl.DataFrame:
        """Return the answer of the query sql/<name>.sql.

        Values take the places of its $parameters, bound, never as text. The
        frame is shared by all who ask the same: do not change it in place.
        """
        key = (name, *sorted(values.items()))
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("use published.marts")
                answer = cursor.sql(query(name), params=values).pl()
        except duckdb.Error as error:
            raise UnreadableFileError(
                f"{self.file} cannot answer what the page asks ({error}): it is of"
                " another version; run `kefu run`"
            ) from error
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
        return answer


_current: dict[Path, Published] = {}
_opening = threading.Lock()


def current(file: Path) -> Published:
    """Return the file that is published now, opened once for all requests.

    The one before stays whole for who still reads it, and is closed with the
    last of them.
    """
    with _opening:
        known = _current.get(file)
        if known is None or known.identity != identity_of(file):
            _current.pop(file, None)
            _current[file] = known = Published(file)
        return known


def query(name: str) -> str:
    """Return the text of a query."""
    folder = resources.files("kefu.dashboard") / "sql"
    return (folder / f"{name}.sql").read_text(encoding="utf-8")


def _attached(file: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})
    try:
        connection.execute(f"attach {quote_text(str(file))} as published (read_only)")
        # No name in a query ever means a variable of ours, or a file.
        connection.execute("set python_enable_replacements = false")
        connection.execute("set enable_external_access = false")
    except duckdb.Error as error:
        connection.close()
        raise UnreadableFileError(
            f"{file} cannot be opened as a published file ({error}): run `kefu run`"
        ) from error
    return connection
