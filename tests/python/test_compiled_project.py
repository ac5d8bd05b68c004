"""The compiled project gives what dbt gives, and notices what dbt notices."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from compiled_project import (
    ContractBroken,
    Failure,
    Model,
    Project,
    build_model,
    compiled_project,
    run_dbt,
)
from conftest import Kefu, settings_of
from test_agreement import KEY, LOTS, nasty_lot

BUILT_SCHEMAS = ("seeds", "staging", "intermediate", "marts")


def settings_for(raw_root: Path):
    """Return settings as the lots are built with."""
    return replace(settings_of(raw_root), buyer_key=KEY)


@pytest.fixture(scope="module")
def project() -> Project:
    return compiled_project(**LOTS["defaults"][1])


@pytest.fixture(scope="module")
def lot(
    built_lots: dict, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Kefu]:
    return nasty_lot("defaults", built_lots, tmp_path_factory)


@pytest.fixture(scope="module")
def built(project: Project, lot: tuple[Path, Kefu]) -> duckdb.DuckDBPyConnection:
    """The compiled project over the lot; tests put back what they change."""
    connection = project.connect(settings_for(lot[0]))
    project.build(connection)
    return connection


def described(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict:
    """Return the columns and constraints of all that was built, by relation."""
    relations: dict[tuple, tuple[list, list]] = {}
    columns = connection.execute(
        """
        select schema_name, table_name, column_name, data_type, is_nullable
        from duckdb_columns()
        where database_name = ? and list_contains(?, schema_name)
        order by table_name, column_index
        """,
        [catalog, BUILT_SCHEMAS],
    )
    for schema, table, *column in columns.fetchall():
        relations.setdefault((schema, table), ([], []))[0].append(column)
    constraints = connection.execute(
        """
        select schema_name, table_name, constraint_text
        from duckdb_constraints()
        where database_name = ? and list_contains(?, schema_name)
        order by constraint_text
        """,
        [catalog, BUILT_SCHEMAS],
    )
    for schema, table, text in constraints.fetchall():
        relations[schema, table][1].append(text)
    return relations


def compare_with_attached(connection: duckdb.DuckDBPyConnection) -> None:
    """Compare every relation of the memory with that of the catalog kefu, both ways."""
    by_dbt = described(connection, "kefu")
    assert described(connection, "memory") == by_dbt
    assert {schema for schema, _ in by_dbt} == set(BUILT_SCHEMAS)
    filled = set()
    for schema, table in by_dbt:
        one, two = f'kefu.{schema}."{table}"', f'memory.{schema}."{table}"'
        for left, right in ((one, two), (two, one)):
            only = connection.execute(f"from {left} except all from {right}")
            assert only.fetchone() is None, f"rows of {left} are not in the other"
        if connection.execute(f"select 1 from {one} limit 1").fetchone():
            filled.add(table)
    # Equal tables of no rows would show little; some only an increment fills.
    by_full_builds = {name for _, name in by_dbt if not name.startswith("int_touched_")}
    assert len(filled & by_full_builds) > 0.9 * len(by_full_builds)


def assert_same_as_dbt(connection: duckdb.DuckDBPyConnection, world: Kefu) -> None:
    """Compare every relation of a compiled build with one of dbt, both ways."""
    # The name that views inside the file have for it.
    connection.execute(f"attach '{world.database}' as kefu (read_only)")
    try:
        compare_with_attached(connection)
    finally:
        connection.execute("detach kefu")


def test_a_build_equals_one_of_dbt(
    built: duckdb.DuckDBPyConnection, lot: tuple[Path, Kefu]
) -> None:
    assert_same_as_dbt(built, lot[1])


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in LOTS if name != "defaults"])
def test_a_build_with_other_vars_equals_one_of_dbt(
    name: str, built_lots: dict, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw_root, world = nasty_lot(name, built_lots, tmp_path_factory)
    project = compiled_project(**LOTS[name][1])
    connection = project.connect(settings_for(raw_root))
    project.build(connection)

    assert_same_as_dbt(connection, world)


def test_data_tests_hold_and_notice_what_is_broken(
    project: Project, built: duckdb.DuckDBPyConnection
) -> None:
    assert project.failing_tests(built) == []
    built.execute("insert into marts.dim_malls from marts.dim_malls limit 1")
    built.execute("alter table marts.mall_kpi_daily rename to moved")
    try:
        failing = {each.name: each for each in project.failing_tests(built)}
    finally:
        built.execute("alter table marts.moved rename to mall_kpi_daily")
        project.build(built, only=["dim_malls"])

    assert failing["unique_grain_dim_malls_mall_id"] == Failure(
        "unique_grain_dim_malls_mall_id", "error", 1
    )
    unasked = failing["unique_grain_mall_kpi_daily_mall_id__service_date"]
    assert unasked.rows is None
    assert "mall_kpi_daily" in unasked.error


def test_failing_tests_can_be_narrowed(
    project: Project, built: duckdb.DuckDBPyConnection
) -> None:
    broken = ["dim_malls", "dim_agents"]
    for name in broken:
        built.execute(f"insert into marts.{name} from marts.{name}")
    try:
        both = project.failing_tests(built, only=broken)
        first = project.failing_tests(built, only=broken, first=True)
        one = project.failing_tests(built, only=["dim_malls"])
    finally:
        project.build(built, only=broken)

    names = {each.name for each in both}
    assert "unique_grain_dim_agents_mall_id__cs_uid" in names
    assert first == both[:1]
    assert "unique_grain_dim_malls_mall_id" in {each.name for each in one} < names


def test_a_model_can_be_replaced_and_its_descendants_rebuilt(
    project: Project, built: duckdb.DuckDBPyConnection
) -> None:
    def malls() -> int:
        return built.execute("select count(*) from marts.dim_malls").fetchone()[0]

    below = project.descendants(["int_malls_categorized"])
    assert "dim_malls" in below
    assert "stg_pdd__malls" not in below
    before = malls()
    shortened = project.models["int_malls_categorized"].sql + " limit 1"
    try:
        project.build(built, below, {"int_malls_categorized": shortened})
        assert (before > 1, malls()) == (True, 1)
    finally:
        project.build(built, below)
    assert malls() == before


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ("select mall_id from ({sql})", ContractBroken),
        ("select * replace (1 as mall_id) from ({sql})", ContractBroken),
        ("select * replace (null::varchar as mall_id) from ({sql})", duckdb.Error),
    ],
    ids=["column_missing", "other_type", "constraint"],
)
def test_a_contract_is_enforced(
    project: Project,
    built: duckdb.DuckDBPyConnection,
    changed: str,
    error: type[Exception],
) -> None:
    model: Model = project.models["dim_malls"]
    try:
        with pytest.raises(error):
            build_model(built, model, changed.format(sql=model.sql))
    finally:
        project.build(built, only=["dim_malls"])


def test_a_saved_project_is_read_back(project: Project, tmp_path: Path) -> None:
    project.save(tmp_path)

    assert Project.load(tmp_path) == project


def test_what_dbt_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="dbt nonsense failed"):
        run_dbt(tmp_path, ["nonsense"])
