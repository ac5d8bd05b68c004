"""The corpus of malformed landings: each kind gets what the contract says.

fixtures/malformed/index.yml lists the kinds and explains its fields. Where a
line must stop the run, `kefu run` itself is called; where rows are booked, the
project's own models are built over the one file.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from click.testing import CliRunner
from conftest import LOADED_AT, land, settings_of
from test_fuzz import the_project

from kefu.cli import main
from kefu.diagnosis import find_unreadable
from kefu.raw_input import RawInput, read_input

CORPUS = Path(__file__).parent / "fixtures" / "malformed"
KINDS = yaml.safe_load((CORPUS / "index.yml").read_text(encoding="utf-8"))
LOAD_DATE = LOADED_AT[:10]
LARGEST_CORPUS = 1_000_000


def named(kinds: list[dict]) -> list:
    """Return the kinds as parameters that bear their names."""
    return [pytest.param(kind, id=kind["kind"]) for kind in kinds]


REFUSED = [kind for kind in KINDS if "error" in kind]
READ = [kind for kind in KINDS if "rows" in kind]


def table_of(kind: dict[str, Any]) -> str:
    return kind.get("table", "messages")


def place_of(kind: dict[str, Any]) -> str:
    """Return where a kind lies, relative to the raw root."""
    usual = f"{table_of(kind)}/load_date={LOAD_DATE}/{kind.get('file')}"
    return kind.get("at", usual)


def put(raw_root: Path, kind: dict[str, Any]) -> None:
    """Put a kind into a raw root that is otherwise sound."""
    path = raw_root / place_of(kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = kind.get("make", {})
    if "link_to" in made:
        if "file" in kind:
            shared = raw_root / "elsewhere" / kind["file"]
            shared.parent.mkdir()
            shutil.copyfile(CORPUS / "files" / kind["file"], shared)
        path.symlink_to(made["link_to"])
    elif "folder" in made:
        path.mkdir()
    elif "pipe" in made:
        os.mkfifo(path)
    else:
        shutil.copyfile(CORPUS / "files" / kind["file"], path)


def test_the_corpus_is_whole_and_small() -> None:
    files = list((CORPUS / "files").iterdir())
    assert {path.name for path in files} == {
        kind["file"] for kind in KINDS if "file" in kind
    }
    assert sum(path.stat().st_size for path in files) < LARGEST_CORPUS
    names = [kind["kind"] for kind in KINDS]
    assert len(names) == len(set(names)) >= 40
    assert all(("error" in kind) != ("rows" in kind) for kind in KINDS)


# --- kinds that stop the run ---


@pytest.mark.parametrize("kind", named(REFUSED))
def test_the_run_stops_with_one_line(
    raw_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: dict[str, Any],
) -> None:
    put(raw_root, kind)
    if kind.get("found") == "as it is read":
        # After a failed build, as in test_run.py; a build takes its time.
        told = str(find_unreadable(settings_of(raw_root)))
    else:
        published = tmp_path / "published.duckdb"
        for name in os.environ:
            if name.startswith(("KEFU_", "DBT_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("KEFU_RAW_ROOT", str(raw_root))
        monkeypatch.setenv("KEFU_DATABASE", str(tmp_path / "work.duckdb"))
        monkeypatch.setenv("KEFU_PUBLISHED", str(published))
        result = CliRunner().invoke(main, ["run"])
        told = result.stderr.removesuffix("\n").removeprefix("kefu: ")
        assert result.exit_code == 3, result.output
        assert not published.exists()
    assert "\n" not in told
    assert told.startswith(f"{table_of(kind)}: ")
    assert place_of(kind) in told
    assert kind["error"] in told


# --- kinds that are read ---


@functools.cache
def session() -> duckdb.DuckDBPyConnection:
    """Return one database for all kinds; each build replaces the last one."""
    with tempfile.TemporaryDirectory(prefix="kefu-malformed-") as folder:
        root = Path(folder)
        for table in ("messages", "orders"):
            land(root, table, [])
        return the_project().connect(settings_of(root))


def built(table: str, raw: RawInput) -> duckdb.DuckDBPyConnection:
    """Return the database with one table's staging models built."""
    connection = session()
    project = the_project()
    project.land(connection, raw)
    prefixes = (f"base_pdd__{table}", f"stg_pdd__{table}")
    only = [name for name in project.models if name.startswith(prefixes)]
    project.build(connection, only=only)
    return connection


def first_column(connection: duckdb.DuckDBPyConnection, query: str) -> list:
    return [row[0] for row in connection.execute(query).fetchall()]


@pytest.mark.parametrize("kind", named(READ))
def test_every_row_is_booked(raw_root: Path, kind: dict[str, Any]) -> None:
    put(raw_root, kind)
    raw = read_input.__wrapped__(settings_of(raw_root))
    table = table_of(kind)
    connection = built(table, raw)
    (landed,) = first_column(connection, f"select count(*) from raw.{table}")
    (current,) = first_column(
        connection, f"select count(*) from staging.stg_pdd__{table}"
    )
    (superseded,) = first_column(
        connection,
        f"select count(*) from staging.base_pdd__{table}_duplicates"
        " where version_rank > 1",
    )
    rejected = Counter(
        first_column(
            connection, f"select reject_reason from staging.stg_pdd__{table}_rejected"
        )
    )
    unreadable = Counter(
        first_column(
            connection,
            f"select unnest(unreadable_columns) from staging.base_pdd__{table}",
        )
    )

    rows = kind["rows"]
    assert rejected == rows.get("rejected", {})
    assert current == rows.get("current", 0)
    assert superseded == rows.get("superseded", 0)
    assert landed == current + superseded + rejected.total()
    assert unreadable == kind.get("unreadable", {})
    for column, values in kind.get("values", {}).items():
        query = f"select cast({column} as varchar) from staging.stg_pdd__{table}"
        assert sorted(first_column(connection, query)) == values
    expected = [kind["warning"]] if "warning" in kind else []
    usual = ": no data file, read as an empty table"
    warnings = [line for line in raw.warnings if not line.endswith(usual)]
    warnings = [line for line in warnings if "folder elsewhere" not in line]
    assert len(warnings) == len(expected), warnings
    assert all(part in line for part, line in zip(expected, warnings, strict=True))


def test_kinds_do_not_touch_one_another(raw_root: Path) -> None:
    """All that can be read, landed together, each on a day of its own."""
    plain = [kind for kind in READ if "at" not in kind and table_of(kind) == "orders"]
    for number, kind in enumerate(plain, start=1):
        folder = raw_root / "orders" / f"load_date=2026-04-{number:02}"
        folder.mkdir()
        shutil.copyfile(CORPUS / "files" / kind["file"], folder / kind["file"])
    connection = built("orders", read_input.__wrapped__(settings_of(raw_root)))

    rejected = connection.execute(
        "select load_date, reject_reason, count(*)"
        " from staging.stg_pdd__orders_rejected group by all"
    ).fetchall()

    assert {(day.day, reason): count for day, reason, count in rejected} == {
        (number, reason): count
        for number, kind in enumerate(plain, start=1)
        for reason, count in kind["rows"].get("rejected", {}).items()
    }
