"""Every published table against an independent computation, to the row.

The reference (tests/python/reference) is written in plain Python from the metric
definitions alone. The lots are small and nasty: ties, boundaries, broken rows,
overlapping shifts, duplicated landings. Together they give every variable two
values at least. One lot goes all the way through `kefu run`; the others are built
in this process, which test_compiled_project.py holds to be the same.
"""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from compiled_project import compiled_project
from conftest import ROOT, Kefu, settings_of
from reference.compare import compare, compare_table, published_rows
from reference.compute import compute
from reference.nasty_data import make

KEY = "a key of the agreement tests"
# Faults that the audit would rightly stop for are what these lots are made of.
UNAUDITED = ("--no-audit", "--publish-untested")
UNTESTED = ("--no-tests", *UNAUDITED)

LOTS = {
    "defaults": (
        101,
        {
            "score_min_orders": 5,
            "score_min_peers": 3,
            "completeness_min_days": 5,
            "completeness_min_rows": 4,
        },
    ),
    "all_but_default": (
        202,
        {
            "response_unit": "round",
            "response_time_denominator": "all",
            "reply_horizon_hours": 0.5,
            "assess_robot_only_buyers": True,
            "after_sales_period_days": 7,
            "conversion_window_days": 2,
            "score_min_orders": 8,
            "score_min_peers": 9,
            "service_score_min_buyers": 3,
            "completeness_window_days": 7,
            "completeness_min_days": 7,
            "completeness_min_rows": 2,
            "completeness_low_share": 1,
        },
    ),
    "earlier_end": (
        303,
        {
            "as_of_date": "2024-02-20",
            "reply_horizon_hours": 36.5,
            "after_sales_period_days": 0,
            "conversion_window_days": 5,
            "score_min_orders": 3,
            "score_min_peers": 2,
            "completeness_window_days": 10,
            "completeness_min_days": 2,
            "completeness_min_rows": 6,
            "completeness_low_share": 0.45,
        },
    ),
}


def build(home: Path, raw_root: Path, variables: dict, *options: str) -> Kefu:
    """Run the pipeline over a lot; return its world."""
    world = Kefu(home=home)
    text = ", ".join(
        f"{name}: {str(value).lower() if isinstance(value, bool) else value}"
        for name, value in variables.items()
    )
    done = world(
        "run",
        "--vars",
        "{" + text + "}",
        *options,
        KEFU_RAW_ROOT=str(raw_root),
        KEFU_BUYER_KEY=KEY,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return world


def nasty_lot(
    name: str, built_lots: dict, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Kefu]:
    """Return a lot's landings and the world in which it is built."""
    seed, variables = LOTS[name]
    if name not in built_lots:
        home = tmp_path_factory.mktemp(name)
        make(home / "raw", seed, seeds_dir=ROOT / "seeds")
        # The data tests hold for one nasty lot as well; once is enough.
        options = UNAUDITED if name == "defaults" else UNTESTED
        world = build(home, home / "raw", variables, *options)
        built_lots[name] = home / "raw", world
    return built_lots[name]


@pytest.fixture
def lot(
    request: pytest.FixtureRequest,
    built_lots: dict,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Kefu, dict]:
    """One lot's landings, world and variables."""
    raw_root, world = nasty_lot(request.param, built_lots, tmp_path_factory)
    return raw_root, world, LOTS[request.param][1]


def assert_telling(expected: dict[str, list[dict]]) -> None:
    """The lot has what the comparison is to be about."""
    found = {row["status"] for row in expected["data_completeness"]}
    assert found == {"complete", "low", "missing", "not_judged"}
    assert {row["is_complete"] for row in expected["mall_kpi_30d"]} == {True, False}
    found = {row["account_status"] for row in expected["official_agent_kpi"]}
    assert found - {None} == {
        *("matched", "unknown", "off_roster", "ambiguous", "older_export")
    }
    found = {row["likely_cause"] for row in expected["official_reconciliation"]}
    assert {"older_export", "late_data"} <= found
    for table in ("official_agent_kpi", "official_experience_score"):
        assert {row["is_in_newest_export"] for row in expected[table]} == {True, False}


@pytest.mark.parametrize("lot", ["defaults"], indirect=True)
def test_published_tables_equal_the_reference(lot: tuple[Path, Kefu, dict]) -> None:
    raw_root, world, variables = lot
    expected = compute(raw_root, ROOT / "seeds", variables | {"buyer_key": KEY})

    differences = compare(world.published, expected)

    assert not differences, "\n".join(str(each) for each in differences[:20])
    assert_telling(expected)


@pytest.mark.parametrize("name", [name for name in LOTS if name != "defaults"])
def test_tables_with_other_vars_equal_the_reference(name: str, tmp_path: Path) -> None:
    seed, variables = LOTS[name]
    make(tmp_path, seed, seeds_dir=ROOT / "seeds")
    expected = compute(tmp_path, ROOT / "seeds", variables | {"buyer_key": KEY})

    project = compiled_project(**variables)
    connection = project.connect(replace(settings_of(tmp_path), buyer_key=KEY))
    project.build(connection)

    differences = []
    for table, rows in expected.items():
        names, found = published_rows(connection, table)
        differences += compare_table(table, names, found, rows, 1e-9)
    assert not differences, "\n".join(str(each) for each in differences[:20])
    assert_telling(expected)


@pytest.mark.long
@pytest.mark.parametrize("lot", ["defaults"], indirect=True)
def test_a_second_run_publishes_the_same_rows(
    lot: tuple[Path, Kefu, dict], tmp_path: Path
) -> None:
    raw_root, first, variables = lot
    again = build(tmp_path, raw_root, variables, *UNTESTED)

    with duckdb.connect() as connection:
        connection.execute(f"attach '{first.published}' as first_run (read_only)")
        connection.execute(f"attach '{again.published}' as second_run (read_only)")
        tables = connection.execute(
            "select table_name from duckdb_tables()"
            " where database_name = 'first_run' and schema_name = 'marts'"
        ).fetchall()
        assert tables
        for (table,) in tables:
            one, two = f"first_run.marts.{table}", f"second_run.marts.{table}"
            for left, right in ((one, two), (two, one)):
                only = connection.execute(
                    f"from {left} except all from {right}"
                ).fetchall()
                assert not only, f"{table}: {only[:3]}"
