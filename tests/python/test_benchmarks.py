"""What the benchmarks compare and count; no test here looks at a clock.

The floor script must give the rows of the reference, whatever is landed and
whatever the vars are: a floor that computes something else measures nothing.
"""

from pathlib import Path

import duckdb
import pytest
from conftest import ROOT
from reference.compare import compare_table, published_rows
from reference.compute import compute
from reference.nasty_data import make
from test_agreement import KEY, LOTS

from benchmarks import floor, increments
from benchmarks.compare import WITH_MESSAGES, compare_one
from benchmarks.dbt_times import Span, divide, total
from benchmarks.measure import Usage, markdown


def of_the_floor(table: str, names: list[str], rows: list[dict]) -> list[dict]:
    """Return the reference's rows as far as the floor computes them."""
    if table in WITH_MESSAGES:
        rows = [row for row in rows if row["buyer_messages"] + row["agent_messages"]]
    return [{name: row[name] for name in row if name in names} for row in rows]


# One lot differs from the defaults in every var; the others take as long again.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "all_but_default" else pytest.mark.long)
        for name in LOTS
    ],
)
def test_floor_equals_the_reference(name: str, tmp_path: Path) -> None:
    seed, variables = LOTS[name]
    make(tmp_path, seed, seeds_dir=ROOT / "seeds")
    expected = compute(tmp_path, ROOT / "seeds", variables | {"buyer_key": KEY})

    connection, _ = floor.compute(
        tmp_path, variables=variables, buyer_key=KEY, threads=1
    )

    differences = []
    for table in floor.TABLES:
        names, found = published_rows(connection, table)
        rows = of_the_floor(table, names, expected[table])
        assert rows, f"{table}: the lot has no rows to compare"
        differences += compare_table(table, names, found, rows, 1e-9)
    assert not differences, "\n".join(str(each) for each in differences[:20])


def test_unequal_tables_are_told_with_a_row() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table one as select 1 as a, 2 as b, 'more' as c")
        connection.execute("create table two as select 1::bigint as a, 2 as b")
        assert compare_one(connection, "any", "one", "two").is_equal

        connection.execute("insert into two values (1, 2)")
        compared = compare_one(connection, "any", "one", "two")

    assert not compared.is_equal
    assert (compared.rows, compared.only_in_first, compared.only_in_second) == (2, 0, 1)
    assert compared.example == "{'a': 1, 'b': 2}\n"


def test_a_moment_is_divided_among_the_models_that_run_in_it() -> None:
    spans = [Span("one", 0, 4), Span("two", 2, 4), Span("three", 6, 7)]
    usage = Usage(7, 10, 0, "", samples=((0, 0), (2, 4), (4, 8), (8, 12)))

    shares = divide(spans, usage.cpu_until)

    assert {name: share.wall_seconds for name, share in shares.items()} == {
        "one": 3,
        "two": 1,
        "three": 1,
    }
    assert shares["one"].cpu_seconds == 6
    assert total(shares, {"two", "three", "unknown"}).cpu_seconds == 3


def test_figures_are_shown_as_a_table() -> None:
    assert markdown([{"": "floor", "wall s": 1234.5, "rows": 6789}]).splitlines() == [
        "|  | wall s | rows |",
        "| --- | ---: | ---: |",
        "| floor | 1,234.50 | 6,789 |",
    ]


def test_a_cut_history_keeps_all_members(tmp_path: Path) -> None:
    landed = {
        "messages/load_date=2026-01-01/part-0000.parquet",
        "messages/load_date=2026-01-02/part-0000.jsonl",
        "malls/load_date=2026-01-01/part-0000.csv",
        "malls/load_date=2026-01-02/part-0000.csv",
    }
    for name in landed:
        file = tmp_path / "all" / name
        file.parent.mkdir(parents=True)
        file.write_text(name)
    days = {"2026-01-02"}
    increments.land(tmp_path / "all", tmp_path / "cut", days, {"2026-01-01", *days})
    cut = {file.read_text() for file in (tmp_path / "cut").glob("*/*/*")}
    assert landed - cut == {"messages/load_date=2026-01-01/part-0000.parquet"}
