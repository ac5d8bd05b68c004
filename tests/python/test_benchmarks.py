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

from benchmarks import choices, floor, increments, lots, plots
from benchmarks.compare import WITH_MESSAGES, compare_one
from benchmarks.dbt_times import Span, divide, total
from benchmarks.measure import Usage, markdown
from kefu.demo_data import generate


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


def landed(raw_root: Path, table: str) -> list[tuple]:
    """Return the rows of a table as texts, whatever its files are."""
    files = sorted(raw_root.glob(f"{table}/*/*"))
    with duckdb.connect() as connection:
        rows: list[tuple] = []
        for file in files:
            reader = "read_csv" if file.suffix == ".csv" else "read_parquet"
            options = ", all_varchar = true" if file.suffix == ".csv" else ""
            rows += connection.execute(
                "select msg_id, mall_id, from_role, cast(ts as varchar), content"
                f" from {reader}('{file}', hive_partitioning = false{options})"
            ).fetchall()
    return sorted(rows, key=repr)


def test_a_large_lot_is_put_together_from_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts count their messages from the same start; the lot has each of them."""
    monkeypatch.setattr(lots, "MESSAGES_A_PART", 500)
    monkeypatch.setattr(lots, "CACHE", tmp_path)
    lot = lots.Lot(messages=1_200, malls=7, days=3, seed=5)
    parts = list(lot.parts())
    assert [part.messages for part in parts] == [400, 400, 400]
    assert sum(part.malls for part in parts) == 7
    assert len({part.seed for part in parts}) == 3

    lot.make()

    with duckdb.connect() as connection:
        rows, ids, malls = connection.execute(
            "select count(*), count(distinct trim(msg_id)), count(distinct mall_id)"
            f" from read_parquet('{lot.raw_root}/messages/*/*part-0000.parquet')"
        ).fetchone()
        complaints, told = connection.execute(
            "select count(*), count(distinct complaint_id)"
            f" from read_json('{lot.raw_root}/complaints/*/*')"
        ).fetchone()
    assert malls >= 7
    # Repeats are landed again, no number of one part is another's.
    assert rows > ids > 0.9 * rows
    assert complaints >= told > 0
    assert not (lot.home / "part").exists()
    assert not (lot.raw_root / lots.DEMO_UNFINISHED).exists()


@pytest.mark.parametrize("layout", [*choices.WRITERS, "one for all days"])
def test_each_layout_holds_the_same_rows(layout: str, tmp_path: Path) -> None:
    generate(tmp_path / "raw", malls=4, days=3, messages=300, seed=2)

    choices.lay_out(tmp_path / "raw", tmp_path / "other", layout)

    expected = landed(tmp_path / "raw", "messages")
    assert expected
    assert landed(tmp_path / "other", "messages") == expected
    before, after = (
        {file.read_bytes() for file in (tmp_path / folder).glob("messages/*/*")}
        for folder in ("raw", "other")
    )
    assert before != after


def test_results_are_drawn_with_marks_and_dashes(tmp_path: Path) -> None:
    """Colour alone tells some readers nothing."""
    points = [
        {"size": size, "seconds": size * factor, "what": what}
        for size in (1, 10)
        for factor, what in ((1, "floor script"), (2, "models"))
    ]
    plots.chart(points, "millions", logarithmic=True).save(tmp_path / "plot.svg")
    drawn = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert "floor script" in drawn
    assert "stroke-dasharray" in drawn
    assert "seconds of wall time" in drawn


def test_of_repeated_runs_the_median_is_told() -> None:
    """By the time of the models; of runs that built none by the whole time."""
    stages = dict.fromkeys(("building", "auditing", "publishing"), 1.0)

    def runs(models: list[float], walls: list[float]) -> list[increments.Run]:
        return [
            increments.Run(wall, stages, model, 2.0)
            for model, wall in zip(models, walls, strict=True)
        ]

    measured = {
        30: {
            "full": runs([20.0], [40.0]),
            "increment": runs([9.0, 4.0, 5.0], [50.0, 60.0, 70.0]),
            "nothing new": runs([0.0, 0.0, 0.0], [0.7, 0.9, 0.8]),
        },
        365: {
            "full": runs([80.0], [99.0]),
            "increment": runs([8.0, 6.0, 4.0], [50.0, 60.0, 70.0]),
            "nothing new": runs([0.0, 0.0, 0.0], [0.6, 0.6, 0.6]),
        },
    }
    heads, _, *rows = (
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in increments.table(measured).splitlines()
    )
    shown = [dict(zip(heads, row, strict=True)) for row in rows]
    assert [row["increment: models s"] for row in shown] == ["5.00", "6.00"]
    assert [row["from - to"] for row in shown] == ["4.00 - 9.00", "4.00 - 8.00"]
    assert [row["to the shortest"] for row in shown] == ["1.00", "1.20"]
    assert [row["of the full build"] for row in shown] == ["25.0%", "7.5%"]
    assert [row["nothing new s"] for row in shown] == ["0.80", "0.60"]
    kept = increments.figures_of(measured[30]["increment"])
    assert kept["model_seconds"] == 5.0
    assert kept["model_seconds_of_each"] == [9.0, 4.0, 5.0]
