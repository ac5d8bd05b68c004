"""The compiled project, run in one DuckDB connection without dbt.

dbt needs seconds to start and half a minute for a build of even an empty
warehouse, nearly all of it bookkeeping. Tests that build the warehouse again and
again over tiny inputs (generated landings, mutated models) cannot pay that. So
the project is compiled once by dbt itself, and what dbt would then send to the
engine is sent from here: the seeds with their declared types, the models in the
order of their dependencies with their hooks, contracts and constraints, and the
data tests. test_compiled_project.py holds both routes to the same rows.

    project = Project.compile(tmp_path / "compiled", {"score_min_orders": 5})
    connection = project.connect(settings)      # raw views, seeds, session
    project.build(connection)
    assert not project.failing_tests(connection)

Vars are compiled in: another choice of vars is another Project.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from kefu.contract import NEEDED_TABLES, read_contract
from kefu.raw_input import RawInput, read_input
from kefu.settings import Settings
from kefu.sql import quote_name, quote_path

ROOT = Path(__file__).resolve().parents[2]

# The catalog that dbt compiles for. It is cut out of all SQL, so the name must
# be one that occurs nowhere else.
CATALOG = "kefu_compiled_project"
SCHEMAS = ("raw", "ledger", "changes", "seeds", "staging", "intermediate", "marts")
SAVED = "project.json"
# In place of the clock, so that landings may span decades.
LATEST_LOAD = "timestamp '2100-01-01 00:00:00'"


class ContractBroken(Exception):
    """A model's query does not give the columns and types of its contract."""


@dataclass(frozen=True)
class Model:
    """A model as the engine gets it; relations are named schema.table."""

    name: str
    relation: str
    sql: str
    is_view: bool
    contract: tuple[str, ...] | None
    """The lines of the table's definition where a contract is enforced."""
    columns: tuple[str, ...]
    hooks: tuple[str, ...]
    after: str
    """What runs in the transaction of the model, after its rows."""
    changes: str
    """The columns of its table in the schema changes, as name and type; may be none."""
    parents: tuple[str, ...]
    """Names of the models and seeds that it reads."""


@dataclass(frozen=True)
class Seed:
    """A seed: its file and its columns as name and type, in the file's order."""

    name: str
    relation: str
    file: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class DataTest:
    """A data test: a query whose rows are failures."""

    name: str
    sql: str
    severity: str
    """error or warn"""
    failures: str
    """The expression over the rows that dbt compares, as count(*)."""
    fails_if: str
    """What the number is compared with, as != 0."""
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Failure:
    """A data test that did not hold: how many rows, or the engine's error."""

    name: str
    severity: str
    rows: int | None
    error: str | None = None


@dataclass(frozen=True)
class Project:
    """The compiled project; models and seeds in an order that can be built."""

    variables: dict[str, Any]
    models: dict[str, Model]
    seeds: dict[str, Seed]
    tests: dict[str, DataTest]

    # --- making one ---

    @classmethod
    def compile(
        cls,
        home: Path,
        variables: Mapping[str, Any] | None = None,
        root: Path = ROOT,
    ) -> Project:
        """Compile the project with dbt in a process of its own (about 15 s).

        `home` is a folder for dbt's target, logs and profile, made if need be;
        calling again with the same folder parses only what has changed.
        Raises RuntimeError with what dbt printed if dbt fails.
        """
        run_dbt(home, ["compile"], variables, root)
        text = (home / "target" / "manifest.json").read_text(encoding="utf-8")
        project = cls.from_manifest(json.loads(text), dict(variables or {}), root)
        project.save(home)
        return project

    def save(self, home: Path) -> None:
        """Write the project to a file in `home`, for load()."""
        saved = json.dumps(asdict(self), ensure_ascii=False)
        (home / SAVED).write_text(saved, encoding="utf-8")

    @classmethod
    def load(cls, home: Path) -> Project:
        """Return what compile() or save() left in `home`."""
        kept = json.loads((home / SAVED).read_text(encoding="utf-8"))

        def read(kind: type, entries: dict[str, dict]) -> dict:
            return {
                name: kind(
                    **{
                        key: tuple(value) if isinstance(value, list) else value
                        for key, value in entry.items()
                    }
                )
                for name, entry in entries.items()
            }

        return cls(
            kept["variables"],
            read(Model, kept["models"]),
            read(Seed, kept["seeds"]),
            read(DataTest, kept["tests"]),
        )

    @classmethod
    def from_manifest(cls, manifest: dict, variables: dict, root: Path) -> Project:
        """Read a manifest whose nodes dbt has compiled."""
        nodes = manifest["nodes"].values()
        by_kind = {
            kind: [node for node in nodes if node["resource_type"] == kind]
            for kind in ("model", "seed", "test")
        }
        models = {
            node["name"]: _model(node, manifest, root) for node in by_kind["model"]
        }
        order = TopologicalSorter(
            {
                name: sorted(parent for parent in model.parents if parent in models)
                for name, model in sorted(models.items())
            }
        ).static_order()
        return cls(
            variables,
            {name: models[name] for name in order},
            {node["name"]: _seed(node, root) for node in by_kind["seed"]},
            {
                test.name: test
                for test in sorted(map(_test, by_kind["test"]), key=lambda t: t.name)
            },
        )

    # --- running it ---

    def connect(
        self, settings: Settings, threads: int = 1, copied: bool = True
    ) -> duckdb.DuckDBPyConnection:
        """Return an in-memory database with raw data and seeds, ready to build.

        The landings are read anew, whatever this process has read before. One
        thread is quickest for some thousand rows; see land() for `copied`.
        Raises KefuError for input that a run refuses.
        """
        connection = duckdb.connect(config={"threads": threads})
        self.prepare(connection, settings)
        self.land(connection, read_input.__wrapped__(settings), copied)
        return connection

    def prepare(
        self, connection: duckdb.DuckDBPyConnection, settings: Settings
    ) -> None:
        """Give a connection the session, the schemas and the seeds of a run."""
        # Imported here, since it brings dbt with it.
        from kefu.dbt_plugin import Plugin  # noqa: PLC0415

        plugin = Plugin.__new__(Plugin)
        plugin.settings = settings
        plugin.configure_cursor(connection)
        connection.execute(f"set variable kefu_latest_load = {LATEST_LOAD}")
        for schema in SCHEMAS:
            connection.execute(f"create schema if not exists {schema}")
        for model in filter(lambda model: model.changes, self.models.values()):
            connection.execute(
                f"create table if not exists changes.{model.name} ({model.changes})"
            )
        for seed in self.seeds.values():
            columns = ", ".join(seed.columns)
            connection.execute(f"create or replace table {seed.relation} ({columns})")
            connection.execute(
                f"copy {seed.relation} from {quote_path(Path(seed.file))}"
                " (format csv, header true, delimiter ',')"
            )

    def land(
        self,
        connection: duckdb.DuckDBPyConnection,
        raw: RawInput,
        copied: bool = True,
    ) -> None:
        """Put what was landed into raw.<table> and its native form, replacing all.

        The ledger begins anew with it.

        A run has views there and reads each file several times, the most
        costly part of a small build; a copy reads them once.
        """
        # Imported here, since it brings dbt with it.
        from kefu.dbt_plugin import Plugin  # noqa: PLC0415

        # The schema as a whole: a table cannot replace a view, nor the reverse.
        for schema in ("raw", "ledger"):
            connection.execute(f"drop schema if exists {schema} cascade")
        plugin = Plugin.__new__(Plugin)
        # Of these only the project's root is asked for.
        plugin.settings, plugin.views = settings_without_input(Path()), raw
        plugin.configure_connection(connection)
        if copied:
            names = (name + form for name in raw.queries for form in ("", "_native"))
            for table in map(quote_name, names):
                connection.execute(f"create temp table copied as from raw.{table}")
                connection.execute(f"drop view raw.{table}")
                connection.execute(f"create table raw.{table} as from copied")
                connection.execute("drop table copied")

    def build(
        self,
        connection: duckdb.DuckDBPyConnection,
        only: Collection[str] | None = None,
        replaced: Mapping[str, str] | None = None,
    ) -> None:
        """Build the models, each replacing what its name held before.

        `only` names the models to build, whose parents must be there; without
        it all are built. `replaced` gives other queries for some models.
        Raises duckdb.Error where the engine refuses a query or a row breaks a
        constraint, ContractBroken where columns or types are not the promised.
        """
        for name, model in self.models.items():
            if only is None or name in only:
                sql = (replaced or {}).get(name, model.sql)
                build_model(connection, model, sql)

    def failing_tests(
        self,
        connection: duckdb.DuckDBPyConnection,
        only: Collection[str] | None = None,
        first: bool = False,
    ) -> list[Failure]:
        """Run the data tests; return those that fail, warnings among them.

        `only` keeps the tests that read one of these models or seeds; `first`
        stops at the first failure of severity error.
        """
        failing = []
        for test in self.tests.values():
            if only is not None and not set(test.parents) & set(only):
                continue
            failure = run_test(connection, test)
            if failure is not None:
                failing.append(failure)
                if first and failure.severity == "error":
                    break
        return failing

    def descendants(self, names: Iterable[str]) -> list[str]:
        """Return the models and those that read them, however far below."""
        reached = set(names)
        for name, model in self.models.items():
            if reached & set(model.parents):
                reached.add(name)
        return [name for name in self.models if name in reached]


@functools.cache
def compiled_project(**variables: str | int | bool) -> Project:
    """Return the project with these vars, compiled once in this process."""
    with tempfile.TemporaryDirectory(prefix="kefu-compiled-") as home:
        return Project.compile(Path(home), variables)


# --- dbt ---


def settings_without_input(home: Path, root: Path = ROOT) -> Settings:
    """Return the settings with which run_dbt() calls dbt: no landed rows."""
    return Settings(
        root=root,
        raw_root=home / "raw",
        database=home / f"{CATALOG}.duckdb",
        published=home / "published.duckdb",
        raw_database=None,
        buyer_key="a key of the tests",
    )


def land_nothing(home: Path, root: Path = ROOT) -> None:
    """Write the landings, of no rows, that those settings name."""
    contract = read_contract(root)
    for table in NEEDED_TABLES:
        folder = settings_without_input(home, root).raw_root / table
        file = folder / "load_date=2026-01-01" / "none.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(",".join(contract[table].columns) + "\n", encoding="utf-8")


def run_dbt(
    home: Path,
    arguments: list[str],
    variables: Mapping[str, Any] | None = None,
    root: Path = ROOT,
) -> None:
    """Call dbt on landings of no rows, with everything it writes under `home`.

    Raises RuntimeError with what it printed if it does not end well.
    """
    settings = settings_without_input(home, root)
    land_nothing(home, root)
    (home / "profile").mkdir(exist_ok=True)
    shutil.copyfile(root / "profiles.example.yml", home / "profile" / "profiles.yml")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KEFU_", "DBT_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", "from dbt.cli.main import cli; cli()"]
        + ["--quiet", "--no-use-colors", *arguments]
        + ["--vars", json.dumps(dict(variables or {}))],
        cwd=root,
        env=inherited
        | {
            "PYTHONPATH": str(root),
            "KEFU_RAW_ROOT": str(settings.raw_root),
            "KEFU_DATABASE": str(settings.database),
            "KEFU_PUBLISHED": str(settings.published),
            "KEFU_BUYER_KEY": settings.buyer_key,
            "DBT_PROFILES_DIR": str(home / "profile"),
            "DBT_TARGET_PATH": str(home / "target"),
            "DBT_LOG_PATH": str(home / "logs"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"dbt {arguments[0]} failed:\n{done.stdout}{done.stderr}")


def without_catalog(sql: str) -> str:
    """Return SQL whose relations are named schema.table."""
    return sql.replace(f'"{CATALOG}".', "")


def _names(unique_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        unique_id.split(".")[2]
        for unique_id in unique_ids
        if unique_id.startswith(("model.", "seed."))
    )


def _model(node: dict, manifest: dict, root: Path) -> Model:
    config = node["config"]
    if config["materialized"] not in ("table", "view", "incremental"):
        raise RuntimeError(f"{node['name']}: compiled_project.py cannot build this")
    return Model(
        name=node["name"],
        relation=without_catalog(node["relation_name"]),
        sql=without_catalog(node["compiled_code"]),
        is_view=config["materialized"] == "view",
        contract=_contract(node) if config["contract"]["enforced"] else None,
        columns=tuple(node["columns"]),
        hooks=tuple(
            _rendered(hook["sql"], node, manifest) for hook in config["pre-hook"]
        ),
        after=";\n".join(
            _with_macros(hook["sql"], root) for hook in config["post-hook"]
        ),
        changes=", ".join(
            f"{column} {kind}"
            for column, kind in config["meta"].get("changes", {}).items()
        ),
        parents=_names(node["depends_on"]["nodes"]),
    )


def _with_macros(hook: str, root: Path) -> str:
    """Render a hook that calls macros which need nothing of dbt's."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.do"]
    )
    macros = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted(root.glob("macros/*.sql"))
        if not path.stem.startswith("materialization_")
    )
    return environment.from_string(macros + hook).render().strip()


def _contract(node: dict) -> tuple[str, ...]:
    """Return the lines of a table's definition as the adapter writes them."""
    # Imported here, since it brings dbt with it.
    from dbt.adapters.duckdb.impl import DuckDBAdapter  # noqa: PLC0415
    from dbt_common.contracts.constraints import (  # noqa: PLC0415
        ModelLevelConstraint,
    )

    columns = DuckDBAdapter.render_raw_columns_constraints(node["columns"])
    whole = [
        DuckDBAdapter.render_model_constraint(
            ModelLevelConstraint.from_dict(constraint)
        )
        for constraint in node["constraints"]
    ]
    return tuple(columns + [line for line in whole if line])


def _rendered(sql: str, node: dict, manifest: dict) -> str:
    """Render a hook, which dbt does only as it runs the model.

    Hooks that need more than ref() are an error here, not a guess.
    """
    relations = {
        other["name"]: other["relation_name"]
        for other in manifest["nodes"].values()
        if other["resource_type"] in ("model", "seed")
    }
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    template = environment.from_string(sql)
    return without_catalog(
        template.render(ref=relations.__getitem__, this=node["relation_name"])
    )


def _seed(node: dict, root: Path) -> Seed:
    file = root / node["original_file_path"]
    header = file.read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    types = node["config"]["column_types"]
    return Seed(
        name=node["name"],
        relation=without_catalog(node["relation_name"]),
        file=str(file),
        columns=tuple(f"{quote_name(name)} {types[name]}" for name in header),
    )


def _test(node: dict) -> DataTest:
    config = node["config"]
    is_error = config["severity"].lower() == "error"
    limit = f" limit {config['limit']}" if config["limit"] else ""
    return DataTest(
        name=node["name"],
        sql=without_catalog(node["compiled_code"]) + limit,
        severity="error" if is_error else "warn",
        failures=config["fail_calc"],
        fails_if=config["error_if"] if is_error else config["warn_if"],
        parents=_names(node["depends_on"]["nodes"]),
    )


# --- the engine ---


def build_model(connection: duckdb.DuckDBPyConnection, model: Model, sql: str) -> None:
    """Build one model from a query; see Project.build for the errors."""
    for hook in model.hooks:
        connection.execute(hook)
    relation = model.relation
    if model.is_view:
        connection.execute(f"create or replace view {relation} as (\n{sql}\n)")
    elif model.contract is None:
        connection.execute(f"create or replace table {relation} as (\n{sql}\n)")
    else:
        lines = ",\n".join(model.contract)
        columns = ", ".join(map(quote_name, model.columns))
        connection.execute(f"create or replace table {relation} ({lines})")
        check_contract(connection, model, sql)
        connection.execute(
            f"insert into {relation} ({columns})"
            f" select {columns} from (\n{sql}\n) as model_subq"
        )
    if model.after:
        connection.execute(model.after)


def check_contract(
    connection: duckdb.DuckDBPyConnection, model: Model, sql: str
) -> None:
    """Raise ContractBroken unless a query has the columns of the made table."""

    def columns_of(query: str) -> dict[str, str]:
        # As dbt does, without the size of a type.
        rows = connection.execute(f"describe {query}").fetchall()
        return {row[0]: re.sub(r"\(.*\)", "", row[1]) for row in rows}

    promised, given = columns_of(model.relation), columns_of(f"(\n{sql}\n)")
    if promised != given:
        parted = sorted(set(promised.items()) ^ set(given.items()))
        raise ContractBroken(f"{model.name}: {parted}")


def run_test(connection: duckdb.DuckDBPyConnection, test: DataTest) -> Failure | None:
    """Run one data test; return how it failed, None if it held."""
    try:
        rows, fails = connection.execute(
            f"select {test.failures}, {test.failures} {test.fails_if}"
            f" from (\n{test.sql}\n) as dbt_internal_test"
        ).fetchone()
    except duckdb.Error as error:
        return Failure(test.name, test.severity, None, str(error))
    return Failure(test.name, test.severity, rows) if fails else None
