"""The small nasty worlds in which surviving changes are built and compared.

A changed model is built with all below it. What is published is then compared
with the independent reference, as test_agreement.py does, and the data tests run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
from compiled_project import ContractBroken, Project, build_model
from conftest import settings_of
from reference.compare import GRAINS, WHOLE_ROW, compare_table, published_rows

SECONDS = 30
MEMORY = "1200MB"


@dataclass(frozen=True)
class Verdict:
    """What became of a change: killed (by what), survived or invalid."""

    state: str
    by: str = ""


SURVIVED = Verdict("survived")


class TimedOut(Exception):
    """A query ran longer than a change is worth."""


class World:
    """One lot, built as it should be; changes are tried in it and taken back."""

    def __init__(
        self,
        project: Project,
        raw_root: Path,
        expected: dict,
        key: str,
        with_tests: bool,
    ) -> None:
        self.project = project
        self.with_tests = with_tests
        self.expected = {
            table: rows
            for table, rows in expected.items()
            if table in GRAINS or table in WHOLE_ROW
        }
        settings = replace(settings_of(raw_root), buyer_key=key)
        self.connection = project.connect(settings)
        self.connection.execute(f"set memory_limit = '{MEMORY}'")
        project.build(self.connection)
        self.prints = {name: self._print(name) for name in project.models}
        for test in project.failing_tests(self.connection) if with_tests else []:
            if test.severity == "error":
                raise RuntimeError(f"{test.name} fails before any change")
        for table in self.expected:
            if self._differs(table):
                raise RuntimeError(f"{table} is not the reference's before any change")

    def same(self, model: str, sql: str) -> bool:
        """Whether a query gives the rows of a model as it is."""
        self.connection.execute("begin")
        try:
            build_model(self.connection, self.project.models[model], sql)
            return self._print(model) == self.prints[model]
        finally:
            self.connection.execute("rollback")

    def judge(self, model: str, sql: str) -> Verdict:
        """Build a model from another query, and what reads it; say what failed."""
        self.connection.execute("begin")
        try:
            return within(self.connection, lambda: self._judge(model, sql))
        except TimedOut:
            return Verdict("invalid", f"more than {SECONDS} s")
        finally:
            self.connection.execute("rollback")

    def _judge(self, model: str, sql: str) -> Verdict:
        changed: set[str] = set()
        for name in self.project.descendants([model]):
            below = self.project.models[name]
            if name != model and not changed & set(below.parents):
                continue
            try:
                build_model(self.connection, below, sql if name == model else below.sql)
                same = self._print(name) == self.prints[name]
            except (ContractBroken, duckdb.ConstraintException):
                return Verdict("killed", f"contract of {name}")
            except duckdb.Error as error:
                if isinstance(error, duckdb.InterruptException):
                    raise
                if name == model:
                    return Verdict("invalid", str(error).splitlines()[0])
                return Verdict("killed", f"build of {name}")
            if same:
                continue
            changed.add(name)
            if name in self.expected and self._differs(name):
                return Verdict("killed", f"reference of {name}")
        if self.with_tests and changed:
            failing = self.project.failing_tests(
                self.connection, only=changed, first=True
            )
            for failure in failing:
                if failure.severity == "error":
                    return Verdict("killed", f"data test {failure.name}")
        return SURVIVED

    def _print(self, name: str) -> tuple:
        """Return the number of rows and a sum over them that no order moves."""
        relation = self.project.models[name].relation
        return self.connection.execute(
            f"select count(*), sum(hash(row_of)::hugeint) from {relation} as row_of"
        ).fetchone()

    def _differs(self, table: str) -> bool:
        names, rows = published_rows(self.connection, table)
        return bool(compare_table(table, names, rows, self.expected[table], 1e-9))


def within(connection: duckdb.DuckDBPyConnection, call: Callable) -> object:
    """Return what a call returns; raise TimedOut where it takes too long."""
    timer = threading.Timer(SECONDS, connection.interrupt)
    timer.start()
    try:
        return call()
    except duckdb.InterruptException as error:
        raise TimedOut from error
    finally:
        timer.cancel()
