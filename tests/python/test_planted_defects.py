"""Planted defects: none of the blocking kind gets past tests and audit.

Each defect comes with a later landing on top of a good published version. The
table of docs/audit.md says which net catches which; it is written by
`python tests/python/test_planted_defects.py` and kept true by the long test.
"""

import datetime as dt
import functools
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from compiled_project import ContractBroken, Project, compiled_project
from conftest import CONTRACT, ROOT, settings_of
from kept_versions import keep_version
from planted_defects import BLOCKING, BUILT, DEFECTS, HARMLESS, Defect

from kefu.audit import AuditReport, examine
from kefu.demo_data import generate
from kefu.raw_input import read_input
from kefu.raw_views import with_no_native
from kefu.settings import Settings

DOCS = ROOT / "docs" / "audit.md"
BEGIN, END = "<!-- defects -->", "<!-- /defects -->"
NEW = dt.date(2026, 10, 29)
NOW = dt.datetime(2026, 10, 30, 1, 0, tzinfo=dt.UTC)

# Enough of each kind for every `make test`; all of them are long.
SAMPLE = (
    "a day of orders is missing",
    "a mall's messages are cut by half, here and there",
    "amounts come in fen",
    "two agents are swapped",
    "message times turn from seconds to milliseconds",
    "a day is gone from mall_kpi_daily",
)


@dataclass(frozen=True)
class Lot:
    """A good build, and what was published before its newest loads."""

    home: Path
    project: Project

    @property
    def good(self) -> Path:
        return self.home / "good.duckdb"

    @functools.cached_property
    def mall(self) -> str:
        with duckdb.connect(str(self.good), read_only=True) as connection:
            return connection.execute(
                "select trim(mall_id) from raw.messages group by all"
                " order by count(*) desc limit 1"
            ).fetchone()[0]

    def published(self, loads: int) -> Path:
        """Return where what was before the newest so many loads is published."""
        path = self.home / f"before-{loads}" / "kefu.duckdb"
        if not path.parent.exists():
            path.parent.mkdir()
            build = self.home / "before.duckdb"
            with self.opened(build) as connection:
                for table in self.sources():
                    connection.execute(
                        f"delete from raw.{table} where load_date > ?",
                        [NEW - dt.timedelta(days=loads)],
                    )
                self.project.build(connection)
            keep_version(path, build)
            build.unlink()
        return path

    def opened(self, path: Path) -> duckdb.DuckDBPyConnection:
        """Return a connection to a new copy of the good build."""
        if path != self.good:
            shutil.copyfile(self.good, path)
        connection = duckdb.connect(str(path), config={"threads": 1})
        self.project.prepare(connection, settings_of(self.home / "raw"))
        return connection

    def sources(self) -> list[str]:
        return sorted(path.name for path in (self.home / "raw").iterdir())

    def settings(self, database: Path, loads: int) -> Settings:
        return Settings(
            root=ROOT,
            raw_root=self.home / "raw",
            database=database,
            published=self.published(loads),
            raw_database=None,
            buyer_key="a key of the tests",
        )

    def readers(self, table: str) -> list[str]:
        """Return the models that a raw table can change, in building order."""
        name = re.compile(rf'"?raw"?\."?{table}(_native)?"?\b')
        return self.project.descendants(
            model.name
            for model in self.project.models.values()
            if name.search(model.sql)
        )


def make_lot(home: Path) -> Lot:
    lot = Lot(home, compiled_project())
    raw = home / "raw"
    generate(raw, malls=4, days=35, messages=36_000, seed=3, end=NEW)
    (raw / ".kefu-demo").unlink(missing_ok=True)
    with lot.opened(lot.good) as connection:
        lot.project.land(connection, read_input.__wrapped__(settings_of(raw)))
        for table in CONTRACT.values():
            # What is planted in the texts shall be what the models read.
            native = f"raw.{table.name}_native"
            connection.execute(f"drop table {native}")
            query = with_no_native(table, f"from raw.{table.name}")
            connection.execute(f"create view {native} as {query}")
        lot.project.build(connection)
    return lot


@pytest.fixture(scope="module")
def lot(tmp_path_factory: pytest.TempPathFactory) -> Lot:
    return make_lot(tmp_path_factory.mktemp("planted"))


@dataclass(frozen=True)
class Caught:
    """What was found of a defect."""

    contract: bool
    tests: tuple[str, ...]
    report: AuditReport | None
    same_figures: bool

    @property
    def is_blocked(self) -> bool:
        blocked = self.report is not None and not self.report.passed
        return self.contract or bool(self.tests) or blocked

    def told(self) -> str:
        """Return the cell of the table."""
        parts = ["contract"] if self.contract else []
        if self.tests:
            parts.append("data tests")
        if self.report is not None and self.report.blocking:
            parts.append("audit: " + ", ".join(sorted(self.report.blocking)))
        nothing = "nothing, and no figure differs" if self.same_figures else "nothing"
        return "; ".join(parts) or nothing


def plant(lot: Lot, defect: Defect) -> Caught:
    """Plant a defect in a copy of the good build and ask every net."""
    loads = 7 if defect.week else 1
    with tempfile.TemporaryDirectory(dir=lot.home) as folder:
        path = Path(folder) / "working.duckdb"
        with lot.opened(path) as connection:
            try:
                for statement in defect.sql:
                    connection.execute(
                        statement.replace("$new", f"date '{NEW}'").replace(
                            "$mall", f"'{lot.mall}'"
                        )
                    )
                if defect.table:
                    lot.project.build(connection, lot.readers(defect.table))
            except (duckdb.ConstraintException, ContractBroken):
                return Caught(True, (), None, False)
            failing = lot.project.failing_tests(connection)
            connection.execute(f"attach '{lot.good}' as good (read_only)")
            same = not connection.execute(
                "(from marts.mall_kpi_daily except all from good.marts.mall_kpi_daily)"
                " union all"
                " (from good.marts.mall_kpi_daily except all from marts.mall_kpi_daily)"
            ).fetchall()
        report = examine(lot.settings(path, loads), "planted", now=NOW)
    errors = tuple(entry.name for entry in failing if entry.severity == "error")
    return Caught(False, errors, report, same)


def rows_of_docs() -> dict[str, str]:
    """Return what the table of the docs says, by the defect's name."""
    text = DOCS.read_text(encoding="utf-8")
    table = text.split(BEGIN)[1].split(END)[0]
    rows = [line.strip("|").split("|") for line in table.strip().splitlines()[2:]]
    return {row[0].strip(): row[-1].strip() for row in rows}


def assert_caught(defect: Defect, caught: Caught) -> None:
    if defect.severity == HARMLESS:
        assert caught.same_figures
        assert not caught.is_blocked, caught.told()
    elif defect.severity == BLOCKING:
        assert caught.is_blocked, caught.report and caught.report.screen()
    else:
        # Once it is caught, it is none that cannot be.
        assert not caught.is_blocked, caught.told()
        assert not caught.same_figures


@pytest.mark.parametrize(
    "defect",
    [defect for defect in DEFECTS if defect.name in SAMPLE],
    ids=lambda defect: defect.name,
)
def test_sampled_defects_are_caught_as_the_docs_say(lot: Lot, defect: Defect) -> None:
    caught = plant(lot, defect)
    assert_caught(defect, caught)
    assert caught.told() == rows_of_docs()[defect.name]


def test_the_docs_list_every_defect_once() -> None:
    assert list(rows_of_docs()) == [defect.name for defect in DEFECTS]


@pytest.mark.long
def test_all_defects_are_caught_as_the_docs_say(lot: Lot) -> None:
    found = {defect.name: plant(lot, defect) for defect in DEFECTS}
    for defect in DEFECTS:
        assert_caught(defect, found[defect.name])
    assert {name: caught.told() for name, caught in found.items()} == rows_of_docs()


@pytest.mark.parametrize("loads", [1, pytest.param(7, marks=pytest.mark.long)])
def test_the_good_build_passes(lot: Lot, loads: int) -> None:
    report = examine(lot.settings(lot.good, loads), "good", now=NOW)
    assert report.passed, report.screen()


def test_there_are_enough_defects_of_different_kinds() -> None:
    blocking = {defect.name for defect in DEFECTS if defect.severity == BLOCKING}
    assert len(blocking) >= 30
    assert set(SAMPLE) < {defect.name for defect in DEFECTS}
    assert len(BUILT) >= 10


def table_of(lot: Lot, names: list[str]) -> Iterator[str]:
    """Yield the lines of the docs' table, doing the work on the way."""
    yield "| defect | severity | caught by |"
    yield "|---|---|---|"
    for defect in DEFECTS:
        if names and not any(name in defect.name for name in names):
            continue
        caught = plant(lot, defect)
        try:
            assert_caught(defect, caught)
        except AssertionError as error:
            print(f"NOT CAUGHT: {defect.name}\n{error}", file=sys.stderr)
        yield f"| {defect.name} | {defect.severity} | {caught.told()} |"


def main(names: list[str]) -> None:
    """Print the table of some defects, or put that of all into the docs."""
    with tempfile.TemporaryDirectory() as home:
        lines = []
        for line in table_of(make_lot(Path(home)), names):
            print(line, flush=True)
            lines.append(line)
    if not names:
        text = DOCS.read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        table = "\n".join(lines)
        DOCS.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    main(sys.argv[1:])
