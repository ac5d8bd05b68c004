"""What the tests share: landings to write, the command to call, one demo run."""

import csv
import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis.internal.conjecture import providers
from warm_start import Started, WarmStart

from kefu.contract import read_contract
from kefu.raw_input import read_input
from kefu.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = read_contract(ROOT)
WARM = WarmStart()
LOADED_AT = "2026-03-02 01:00:00"
# Why the tests in a browser are skipped, and how to have them run.
NO_BROWSER = "no Chromium was found (Debian: apt-get install chromium fonts-noto-cjk)"
NO_DRIVER = "playwright is not installed (it is of requirements-dev.lock)"

# Generated examples are the same in every run, unless a test asks for new ones.
hypothesis_settings.register_profile("kefu", derandomize=True, database=None)
hypothesis_settings.load_profile("kefu")
# Hypothesis mixes the literals of all modules that a process has imported into
# what it draws, derandomized or not, and offers no switch for it.
assert hasattr(providers, "_get_local_constants")
providers._get_local_constants = providers.Constants


# Files whose tests share something dear go to one worker, which builds it once;
# every other file is a group of its own. The dearest groups come first, so that
# the workers end at about the same time.
TOGETHER = {
    "demo": (
        *("test_analyses", "test_bi_tools", "test_dashboard"),
        *("test_dashboard_browser", "test_dashboard_figures", "test_examples"),
        *("test_never_landed", "test_privacy", "test_publish_commands"),
        *("test_report", "test_run", "test_semantic_layer"),
    ),
    "built_lots": (
        *("test_agreement", "test_closing", "test_compiled_project"),
        *("test_completeness", "test_injection", "test_mutation"),
    ),
    "fuzz": ("test_fuzz", "test_malformed", "test_problem_keywords"),
}
GROUP_OF = {file: group for group, files in TOGETHER.items() for file in files}
DEAREST = ("demo", "built_lots", "test_planted_defects", "fuzz", "test_crash")


def group_of(path: str | Path) -> str:
    """Return the name of the group that a file of tests belongs to."""
    return GROUP_OF.get(Path(path).stem, Path(path).stem)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the dearest groups first; see that what is shared is built once."""
    for item in items:
        for shared in TOGETHER:
            if shared in item.fixturenames and group_of(item.path) != shared:
                raise pytest.UsageError(f"{item.path.name} is not among {shared}")
    order = {group: number for number, group in enumerate(DEAREST)}
    items.sort(key=lambda item: order.get(group_of(item.path), len(order)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Say below everything else that the pages were not looked at in a browser."""
    result = yield
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal and not hasattr(session.config, "workerinput"):
        skipped = [str(report.longrepr) for report in terminal.stats.get("skipped", ())]
        for why in (NO_BROWSER, NO_DRIVER):
            if any(why in told for told in skipped):
                said = f"THE BROWSER TESTS DID NOT RUN, no page was clicked: {why}"
                terminal.write_line("")
                terminal.write_line(said, yellow=True, bold=True)
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each worker whole groups, in the order of the collection."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid.split("::", maxsplit=1)[0])

    config.option.loadscopereorder = False
    return Groups(config, log)


def text_row(table: str, **values: str | None) -> dict[str, str | None]:
    """Return a row of a raw table: all null but what is given."""
    row = dict.fromkeys(CONTRACT[table].columns)
    return row | {"_loaded_at": LOADED_AT} | values


def write_landing(path: Path, rows: list[dict], columns: list[str]) -> None:
    """Write rows of texts in the format that the file's name asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opener = gzip.open if path.suffix == ".gz" else open
    if ".csv" in path.suffixes:
        with opener(path, "wt", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".parquet":
        with duckdb.connect() as connection:
            shape = ", ".join(f'"{column}" varchar' for column in columns)
            connection.execute(f"create table landed ({shape})")
            marks = ", ".join("?" for _ in columns)
            for row in rows:
                values = [row.get(column) for column in columns]
                connection.execute(f"insert into landed values ({marks})", values)
            connection.table("landed").write_parquet(str(path))
    else:
        with opener(path, "wt", encoding="utf-8") as file:
            for row in rows:
                kept = {name: row[name] for name in columns if name in row}
                file.write(json.dumps(kept, ensure_ascii=False) + "\n")


def land(
    root: Path,
    table: str,
    rows: list[dict],
    name: str = "part-0.parquet",
    load_date: str = "2026-03-02",
    columns: list[str] | None = None,
) -> Path:
    """Write one landing file of a table; return its path."""
    path = root / table / f"load_date={load_date}" / name
    write_landing(path, rows, columns or list(CONTRACT[table].columns))
    return path


@pytest.fixture
def raw_root(tmp_path: Path) -> Path:
    """A raw root that a run accepts: no rows, in the two needed tables."""
    root = tmp_path / "raw"
    land(root, "messages", [])
    land(root, "orders", [])
    return root


def working_folder_of(raw_root: Path) -> Path:
    """Return the folder in which settings_of() has the databases."""
    return raw_root.with_name(f"{raw_root.name}-working")


def settings_of(raw_root: Path, raw_database: Path | None = None) -> Settings:
    """Return settings that read the given input.

    The folder of the working database is beside the raw root and not made, so that
    nothing is kept of what was checked.
    """
    working = working_folder_of(raw_root)
    return Settings(
        root=ROOT,
        raw_root=raw_root,
        database=working / "unused.duckdb",
        published=working / "unused-too.duckdb",
        raw_database=raw_database,
        buyer_key="a key of the tests",
    )


def raw_rows(
    table: str, raw_root: Path, raw_database: Path | None = None
) -> list[dict]:
    """Return the rows of a raw view as landed, in any order."""
    raw = read_input.__wrapped__(settings_of(raw_root, raw_database))
    with duckdb.connect() as connection:
        for statement in raw.prepare:
            connection.execute(statement)
        connection.execute("set TimeZone = 'America/New_York'")
        cursor = connection.execute(raw.queries[table])
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        del row["landing_id"]
    return rows


@dataclass
class Kefu:
    """The command line in a world of its own under a temporary folder."""

    home: Path
    project: Path = ROOT

    @property
    def raw_root(self) -> Path:
        return self.home / "raw"

    @property
    def database(self) -> Path:
        return self.home / "work" / "kefu.duckdb"

    @property
    def published(self) -> Path:
        return self.home / "published" / "kefu.duckdb"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KEFU_", "DBT_"))
        }
        return inherited | {
            "PYTHONPATH": str(self.project),
            "KEFU_RAW_ROOT": str(self.raw_root),
            "KEFU_DATABASE": str(self.database),
            "KEFU_PUBLISHED": str(self.published),
            "DBT_TARGET_PATH": str(self.home / "target"),
            "DBT_LOG_PATH": str(self.home / "logs"),
        }

    def __call__(
        self, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess:
        """Call `kefu`; variables given by name replace those of this world."""
        return WARM.run(list(arguments), self.home, self.environment | environment)

    def start(
        self, *arguments: str, limits: dict[str, int] | None = None, **environment: str
    ) -> Started:
        """Call `kefu` without waiting for its end."""
        return WARM.start(
            list(arguments), self.home, self.environment | environment, limits
        )

    def publish_something(self) -> bytes:
        """Put a file in the published place; return its bytes."""
        self.published.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(self.published)) as connection:
            connection.execute("create schema if not exists marts")
            connection.execute(
                "create or replace table marts.last_good as select 1 as run"
            )
        return self.published.read_bytes()


@pytest.fixture
def kefu(tmp_path: Path, raw_root: Path) -> Kefu:
    """The command line over the empty but acceptable raw root."""
    return Kefu(home=tmp_path)


MINI_MODEL = """
select mall_id, sha256(getvariable('kefu_buyer_key')) as hashed_key
from {{ source('pdd', 'malls') }}
"""
MINI_YAML = """
models:
  - name: dim_malls
    description: One row a mall, of the mini project.
    constraints:
      - type: check
        expression: "mall_id <> ''"
    columns:
      - name: mall_id
        description: The shop's own id.
        data_type: varchar
        constraints:
          - type: not_null
        data_tests:
          - unique
      - name: hashed_key
        description: Nothing but a hash.
        data_type: varchar
"""


def make_mini(home: Path) -> Kefu:
    """Put the package, hooks and macros with one mart only into a folder."""
    project = home / "project"
    for folder in ("kefu", "macros", "models/staging/pdd"):
        (project / folder).parent.mkdir(parents=True, exist_ok=True)
    for part in ("kefu", "macros"):
        shutil.copytree(ROOT / part, project / part)
    for file in (
        "audit.yml",
        "dbt_project.yml",
        "profiles.example.yml",
        "models/_groups.yml",
        "models/staging/pdd/_pdd__sources.yml",
    ):
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, project / file)
    # What describes the macros may refer to models that are not here.
    for described in (project / "macros").glob("*.yml"):
        described.unlink()
    marts = project / "models" / "marts"
    marts.mkdir(parents=True)
    (marts / "dim_malls.sql").write_text(MINI_MODEL, encoding="utf-8")
    (marts / "dim_malls.yml").write_text(MINI_YAML, encoding="utf-8")
    world = Kefu(home=home, project=project)
    for table in ("messages", "orders"):
        land(world.raw_root, table, [])
    malls = [text_row("malls", mall_id=f"m{number}") for number in range(3)]
    land(world.raw_root, "malls", malls)
    return world


@pytest.fixture
def mini(tmp_path: Path) -> Kefu:
    """A project with one mart only, so that a run is quick."""
    return make_mini(tmp_path)


@pytest.fixture(scope="session")
def built_lots() -> dict[str, tuple[Path, Kefu]]:
    """The nasty lots of test_agreement as tests ask for them, each built once."""
    return {}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kefu, str]:
    """One run over demo data for all tests: its world and what it printed."""
    world = Kefu(home=tmp_path_factory.mktemp("demo"))
    invented = world(
        "demo-data", "--malls", "24", "--days", "40", "--messages", "20000"
    )
    assert invented.returncode == 0, invented.stderr
    copies = ("--parquet", "--marts-restricted")
    done = world("run", *copies, KEFU_BUYER_KEY="a secret of the tests")
    assert done.returncode == 0, done.stdout + done.stderr
    return world, done.stdout


@pytest.fixture
def ask(demo: tuple[Kefu, str]) -> Callable[[str], list[tuple]]:
    """Ask the published demo file one question."""
    world, _ = demo

    def answer(question: str) -> list[tuple]:
        with duckdb.connect(str(world.published), read_only=True) as connection:
            return connection.execute(question).fetchall()

    return answer
