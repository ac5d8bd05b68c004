"""The reference data that the project ships: what dbt's column tests cannot see.

The dbt tests of the seeds hold for any firm's own seeds as well; these hold for
ours, and for the columns that only ours have.
"""

import csv
import itertools
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SEEDS = {
    "problems": "problem_code module name_zh name_en is_routine is_quality",
    "problem_keywords": "priority pattern problem_code",
    "refund_reasons": "reason problem_code",
    "module_weights": "position module weight",
    "score_curve": "x y",
    "score_tiers": "tier min_score",
    "service_score_weights": "item weight",
    "default_shifts": "shift_name start_time end_time",
    "exempt_dates": "date_day reason",
    "sale_seasons": "season starts_on ends_on",
    "kpi_targets": "metric scope target excellent",
    "mall_groups": "group_name mall_id",
    "official_metric_mapping": "source official_column metric unit shown_step",
    "metrics": "metric name_zh name_en unit is_higher_better source_mark",
}
LUNAR_NEW_YEARS = [
    "2016-02-08",
    "2017-01-28",
    "2018-02-16",
    "2019-02-05",
    "2020-01-25",
    "2021-02-12",
    "2022-02-01",
    "2023-01-22",
    "2024-02-10",
    "2025-01-29",
    "2026-02-17",
    "2027-02-06",
]


def read(name):
    path = ROOT / "seeds" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def header_of(name):
    path = ROOT / "seeds" / f"{name}.csv"
    return path.read_text(encoding="utf-8").splitlines()[0].split(",")


def described(name):
    path = ROOT / "seeds" / f"{name}.yml"
    (seed,) = yaml.safe_load(path.read_text(encoding="utf-8"))["seeds"]
    return seed


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_has_its_columns_typed_and_described(name):
    header = header_of(name)
    assert set(SEEDS[name].split()) <= set(header)
    seed = described(name)
    assert seed["name"] == name
    assert seed["description"].startswith(("One row a ", "One row an "))
    assert list(seed["config"]["column_types"]) == header
    assert [column["name"] for column in seed["columns"]] == header
    assert all(column["description"].strip() for column in seed["columns"])


def test_there_are_no_other_seeds():
    assert {path.stem for path in (ROOT / "seeds").glob("*.csv")} == SEEDS.keys()


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_is_plain_utf8(name):
    raw = (ROOT / "seeds" / f"{name}.csv").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    for row in read(name):
        assert all(value == value.strip() for value in row.values()), row


@pytest.mark.parametrize("name", SEEDS)
def test_positions_count_from_one(name):
    rows = read(name)
    if "position" in header_of(name):
        positions = [int(row["position"]) for row in rows]
        assert positions == list(range(1, len(rows) + 1))


def test_codes_point_at_problems():
    codes = {row["problem_code"] for row in read("problems")}
    assert "unknown" not in codes
    for name in ("problem_keywords", "refund_reasons"):
        assert {row["problem_code"] for row in read(name)} <= codes


def test_the_routine_questions_of_the_brief_are_routine():
    routine = {
        row["problem_code"] for row in read("problems") if row["is_routine"] == "true"
    }
    assert {"how_to_install", "when_will_it_ship"} <= routine


def test_quality_problems_are_counted_ones_of_the_goods():
    for row in read("problems"):
        if row["is_quality"] == "true":
            assert (row["is_routine"], row["module"]) == ("false", "goods"), row


def test_every_module_has_a_weight_and_counted_problems():
    weights = {row["module"]: float(row["weight"]) for row in read("module_weights")}
    counted = {
        row["module"] for row in read("problems") if row["is_routine"] == "false"
    }
    assert weights.keys() == counted
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) > 0


def test_service_weights_add_up():
    weights = [float(row["weight"]) for row in read("service_score_weights")]
    assert sum(weights) == pytest.approx(1)
    assert min(weights) > 0


def test_the_curve_rises_from_corner_to_corner():
    points = [(float(row["x"]), float(row["y"])) for row in read("score_curve")]
    assert (points[0], points[-1]) == ((0, 0), (1, 1))
    for (x, y), (next_x, next_y) in itertools.pairwise(points):
        assert x < next_x
        assert y <= next_y


def test_tiers_cover_every_score():
    floors = [float(row["min_score"]) for row in read("score_tiers")]
    assert floors[0] == 0
    assert floors == sorted(set(floors))
    assert floors[-1] < 5
    assert [row["tier"] for row in read("score_tiers")] == [
        "restricted",
        "warning",
        "normal",
        "activity_eligible",
    ]


def test_default_shifts_cover_the_day_once():
    shifts = sorted(read("default_shifts"), key=lambda row: row["start_time"])
    assert (shifts[0]["start_time"], shifts[-1]["end_time"]) == ("00:00:00", "24:00:00")
    for shift, following in itertools.pairwise(shifts):
        assert shift["end_time"] == following["start_time"]


def test_exempt_dates_are_new_years_eve_to_the_sixth():
    expected = [
        date.fromisoformat(first) + timedelta(days=shift)
        for first in LUNAR_NEW_YEARS
        for shift in range(-1, 6)
    ]
    assert [date.fromisoformat(row["date_day"]) for row in read("exempt_dates")] == (
        expected
    )


def test_sale_seasons_come_yearly_and_do_not_overlap():
    seasons = read("sale_seasons")
    for season in seasons:
        assert season["starts_on"] <= season["ends_on"]
    ordered = sorted(seasons, key=lambda row: row["starts_on"])
    for season, following in itertools.pairwise(ordered):
        assert season["ends_on"] < following["starts_on"]
    by_name = {}
    for season in seasons:
        by_name.setdefault(season["season"], []).append(season["ends_on"][:4])
    assert by_name.keys() >= {"618", "双11", "双12", "年货节", "99大促"}
    for years in by_name.values():
        assert years == [str(year) for year in range(2016, 2028)]


def test_the_shopping_season_ends_before_new_year():
    ends = [row["ends_on"] for row in read("sale_seasons") if row["season"] == "年货节"]
    days_left = [
        (date.fromisoformat(first) - date.fromisoformat(end)).days
        for first, end in zip(LUNAR_NEW_YEARS, ends, strict=True)
    ]
    assert set(days_left) == {5}


def test_targets_follow_the_direction_of_their_metric():
    ways = {row["metric"]: row["is_higher_better"] for row in read("metrics")}
    for row in read("kpi_targets"):
        target, excellent = float(row["target"]), float(row["excellent"])
        assert ways[row["metric"]], f"{row['metric']} has no direction"
        if ways[row["metric"]] == "true":
            assert excellent > target
        else:
            assert excellent < target


def test_metrics_keep_to_their_lists():
    for row in read("metrics"):
        assert row["source_mark"] in {"S", "P", "C"}
        assert row["is_higher_better"] in {"true", "false", ""}
        assert row["is_estimate"] in {"true", "false"}
        if row["kind"] in {"rate", "complement_rate", "cohort_rate"}:
            assert row["unit"] == "rate"
        if row["kind"] in {"count", "distinct_count", "sum", "rank", "difference"}:
            assert row["is_higher_better"] == "" or row["unit"] == "yuan"


def test_estimates_are_called_so():
    estimates = {
        row["metric"] for row in read("metrics") if row["is_estimate"] == "true"
    }
    assert estimates >= {"experience_score", "module_score", "service_score"}
    for row in read("metrics"):
        if row["kind"] == "score" and row["is_estimate"] == "true":
            assert "Our estimate" in row["definition"]
