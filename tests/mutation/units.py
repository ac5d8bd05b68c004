"""The project's dbt unit tests, run in DuckDB without dbt.

dbt compiles a unit test into one query: the model over fixtures in place of the
relations that it reads, beside the rows expected. Here the fixtures become
tables once, so that any changed model can be run over them in milliseconds.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import duckdb
from compiled_project import (
    CATALOG,
    ROOT,
    Project,
    land_nothing,
    run_dbt,
    settings_without_input,
    without_catalog,
)
from sqlglot import exp

from kefu.raw_input import read_input
from mutation.operators import parse, render

FIXTURE = "__dbt__cte__"
ACTUAL = "dbt_internal_unit_test_actual"
EXPECTED = "dbt_internal_unit_test_expected"


@dataclass(frozen=True)
class UnitTest:
    """One unit test as SQL: a schema of fixtures, the model, what it must give."""

    name: str
    model: str
    fixtures: dict[str, str]
    """The query of each relation that the model reads."""
    sql: str
    """The model's query, reading the relations from SCHEMA."""
    columns: tuple[str, ...]
    expected: str


def compile_unit_tests(
    project: Project, home: Path, root: Path = ROOT, models: tuple[str, ...] = ()
) -> list[UnitTest]:
    """Let dbt compile, and run, the unit tests with the project's own vars.

    It needs the relations that fixtures stand for, for their types: they are
    built here, of no rows; with which vars the project was compiled does not
    matter. `models` keeps the tests of these. Raises RuntimeError if one fails.
    """
    home.mkdir(parents=True, exist_ok=True)
    land_nothing(home, root)
    settings = settings_without_input(home, root)
    file = home / f"{CATALOG}.duckdb"
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as connection:
        project.prepare(connection, settings)
        raw = read_input.__wrapped__(settings)
        project.land(connection, raw, copied=False)
        project.build(connection)
    kept = [f"{model},test_type:unit" for model in models] or ["test_type:unit"]
    run_dbt(home, ["test", "--select", *kept], root=root)
    return read_unit_tests(home / "target")


def read_unit_tests(target: Path) -> list[UnitTest]:
    """Return the unit tests that dbt ran last with this target folder."""
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    found = []
    for result in results["results"]:
        node = manifest["unit_tests"].get(result["unique_id"])
        if node is not None:
            folder = target / "run" / node["package_name"] / node["original_file_path"]
            (file,) = folder.rglob(f"{node['name']}.sql")
            sql = file.read_text(encoding="utf-8")
            found.append(read_unit_test(node["model"], node["name"], sql))
    return found


def read_unit_test(model: str, name: str, compiled: str) -> UnitTest:
    """Take a compiled unit test apart."""
    # The type that dbt found for a column of nothing but nulls.
    compiled = without_catalog(compiled).replace('cast(null as "NULL")', "null")
    parts = {cte.alias: cte.this for cte in parse(compiled).ctes}
    outer = parts[ACTUAL]
    query = outer.args["from_"].this.this
    fixtures = {}
    for cte in list(query.ctes):
        if cte.alias.startswith(FIXTURE):
            fixtures[cte.alias.removeprefix(FIXTURE)] = render(cte.this)
            cte.pop()
    for table in query.find_all(exp.Table):
        if table.name.startswith(FIXTURE):
            relation = exp.to_identifier(table.name.removeprefix(FIXTURE), quoted=True)
            table.set("this", relation)
            table.set("db", exp.to_identifier("fixtures", quoted=True))
    sql = render(query)
    columns = tuple(
        column.name
        for column in outer.expressions
        if column.alias_or_name != "actual_or_expected"
    )
    expected = render(parts[EXPECTED].args["from_"].this.this)
    if ACTUAL in expected:
        # No row: dbt takes the columns from what the model gives.
        expected = f"select {', '.join(columns)} from ({sql}) as given limit 0"
    return UnitTest(name, model, fixtures, sql, columns, expected)


class UnitTests:
    """The unit tests of one model, with their fixtures in a database."""

    def __init__(self, tests: list[UnitTest]) -> None:
        self.tests = tests
        self.connections = {}
        for test in tests:
            connection = duckdb.connect(config={"threads": 1})
            connection.execute("set TimeZone = 'UTC'")
            connection.execute("create schema fixtures")
            for relation, query in test.fixtures.items():
                connection.execute(f'create table fixtures."{relation}" as {query}')
            connection.execute(f"create table expected as {test.expected}")
            self.connections[test.name] = connection

    def fails(self, test: UnitTest, sql: str) -> bool:
        """Whether a query in the model's place does not give what is expected.

        Raises duckdb.Error if the engine refuses the query.
        """
        connection = self.connections[test.name]
        columns = ", ".join(f'"{column}"' for column in test.columns)
        connection.execute(
            f"create or replace temp table actual as select {columns} from ({sql})"
        )
        differs = """
            (from actual except all select {0} from expected)
            union all
            (select {0} from expected except all from actual)
            limit 1
        """
        return bool(connection.execute(differs.format(columns)).fetchone())


def by_model(tests: list[UnitTest]) -> dict[str, list[UnitTest]]:
    """Return the unit tests of each model."""
    found = defaultdict(list)
    for test in tests:
        found[test.model].append(test)
    return dict(found)
