"""The compiled project run again and again as dbt runs it, without dbt.

As compiled_project.py, for builds that continue a former one. dbt is called once:
it builds the project over landings of no rows, and builds it a second time; what
it then sends to the engine for each incremental model is kept, and sent from here.
test_incremental.py holds both routes to the same rows.

    project = IncrementalProject.compile(tmp_path / "compiled")
    warehouse = Warehouse(project, settings)
    warehouse.run()                 # in full, there is nothing yet
    warehouse.run(fail_after=30)    # as if the process had ended after 30 models
    warehouse.run()                 # goes on
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb
from compiled_project import (
    ROOT,
    Model,
    Project,
    build_model,
    run_dbt,
    without_catalog,
)

from kefu.raw_input import read_input
from kefu.settings import Settings

BUILT_HERE = ("staging", "intermediate", "marts", "changes", "ledger", "raw")


class Ended(Exception):
    """A run was ended on purpose."""


@dataclass(frozen=True)
class IncrementalProject:
    """The compiled project and how each incremental model is continued."""

    full: Project
    increments: dict[str, str]
    """The statements by which an incremental model is continued."""

    @classmethod
    def compile(
        cls, home: Path, variables: dict | None = None, root: Path = ROOT
    ) -> IncrementalProject:
        """Compile with dbt (about a minute); see Project.compile."""
        full = Project.compile(home, variables, root)
        run_dbt(home, ["seed"], variables, root)
        for _ in range(2):
            run_dbt(home, ["run"], variables, root)
        target = home / "target"
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        increments = {}
        for node in manifest["nodes"].values():
            if node["config"].get("materialized") != "incremental":
                continue
            name = node["name"]
            place = Path("kefu_warehouse") / node["original_file_path"]
            statements = (target / "run" / place).read_text(encoding="utf-8")
            increments[name] = without_catalog(statements)
        return cls(full, increments)


class Warehouse:
    """A working database that is built in runs, as one that dbt builds."""

    def __init__(
        self,
        project: IncrementalProject,
        settings: Settings,
        connection: duckdb.DuckDBPyConnection | None = None,
    ) -> None:
        """Start from nothing, in a connection that holds the seeds already or not."""
        self.project = project
        self.settings = settings
        if connection is None:
            connection = duckdb.connect(config={"threads": 1})
            project.full.prepare(connection, settings)
        self.connection = connection
        with contextlib.suppress(duckdb.Error):
            # What a failed build before this one left.
            connection.execute("rollback")
        for schema in BUILT_HERE:
            connection.execute(f"drop schema if exists {schema} cascade")
            connection.execute(f"create schema {schema}")
        self.tracked = {
            name: model.changes
            for name, model in project.full.models.items()
            if model.changes
        }
        for name, columns in self.tracked.items():
            connection.execute(f"create table changes.{name} ({columns})")
        self.built: set[str] = set()

    def run(self, fail_after: int | None = None) -> None:
        """Build every model once; raises Ended after `fail_after` of them."""
        # Imported here, since it brings dbt with it.
        from kefu.dbt_plugin import Plugin  # noqa: PLC0415

        plugin = Plugin.__new__(Plugin)
        plugin.settings = self.settings
        plugin.views = read_input.__wrapped__(self.settings)
        plugin.configure_connection(self.connection)
        for table in plugin.views.queries:
            self.connection.execute(f"reset variable kefu_increment_of_{table}")
        for number, model in enumerate(self.project.full.models.values()):
            if number == fail_after:
                raise Ended
            self._build(model)
        for name in self.tracked:
            self.connection.execute(f"truncate changes.{name}")

    def _build(self, model: Model) -> None:
        increment = self.project.increments.get(model.name)
        if increment is None or model.name not in self.built:
            self.connection.execute("begin")
            build_model(self.connection, model, model.sql)
        else:
            for hook in model.hooks:
                self.connection.execute(hook)
            self.connection.execute("begin")
            self.connection.execute(increment)
            if model.after:
                self.connection.execute(model.after)
        self.connection.execute("commit")
        self.built.add(model.name)
