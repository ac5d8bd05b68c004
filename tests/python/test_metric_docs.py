"""The metrics seed and the docs blocks tell the same story.

The seed feeds dim_metrics, the blocks describe the columns. Names, unit,
direction, definition, numerator, denominator and mark stand in both, so they
are compared in both directions.
"""

import csv
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "models/docs"
BLOCK = re.compile(r"{%\s*docs\s+(\w+)\s*%}\n(.*?)\n{%\s*enddocs\s*%}", re.DOTALL)
HEADING = re.compile(r"\*\*(?P<zh>.+) · (?P<en>.+)\*\* \((?P<unit>.+), (?P<way>.+)\)")
DIRECTIONS = {
    "true": "higher is better",
    "false": "lower is better",
    "": "no direction",
}
DAILY_TABLES = {"mall_kpi_daily", "agent_kpi_daily"}


def one_line(text):
    return " ".join(text.split())


def blocks_of(name):
    found = BLOCK.findall((DOCS / name).read_text(encoding="utf-8"))
    names = [block for block, _ in found]
    assert len(set(names)) == len(names), "a block is written twice"
    return dict(found)


def parts_of(block):
    """Heading, definition and the bullets by their label."""
    heading, definition, bullets = block.split("\n\n", 2)
    labelled = {}
    for bullet in re.split(r"\n(?=- )", bullets):
        label, _, text = one_line(bullet.removeprefix("- ")).partition(": ")
        labelled[label] = text
    return heading, one_line(definition), labelled


def reference(seed, side):
    """How a block names the metric above or below the line."""
    name, other = seed[side], seed[f"agent_{side}"]
    if not name:
        return None
    return f"`{name}` (agent rows: `{other}`)." if other else f"`{name}`."


@pytest.fixture(scope="module")
def seeds():
    with (ROOT / "seeds/metrics.csv").open(encoding="utf-8", newline="") as file:
        return {row["metric"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def blocks():
    return blocks_of("metrics.md")


@pytest.fixture(scope="module")
def mart_columns():
    columns = {}
    for path in sorted((ROOT / "models/marts").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            columns[model["name"]] = {
                column["name"]: column for column in model["columns"]
            }
    return columns


def test_every_metric_has_a_block_and_every_block_a_metric(seeds, blocks):
    assert seeds.keys() == blocks.keys()


def test_blocks_equal_the_seed(seeds, blocks):
    for metric, seed in seeds.items():
        heading, definition, bullets = parts_of(blocks[metric])
        found = HEADING.fullmatch(heading)
        assert found, f"{metric}: {heading}"
        assert found.groupdict() == {
            "zh": seed["name_zh"],
            "en": seed["name_en"],
            "unit": seed["unit"],
            "way": DIRECTIONS[seed["is_higher_better"]],
        }
        assert definition == seed["definition"], metric
        assert bullets["Mark"].startswith(f"{seed['source_mark']}, "), metric
        below = "Taken over" if seed["kind"] == "mean" else "Denominator"
        assert bullets.get("Numerator") == reference(seed, "numerator"), metric
        assert bullets.get(below) == reference(seed, "denominator"), metric
        is_estimate = "An estimate of ours" in bullets
        assert is_estimate == (seed["is_estimate"] == "true"), metric


def test_every_block_is_whole(blocks):
    for metric, block in blocks.items():
        _, _, bullets = parts_of(block)
        for label in ("Formula", "Edge cases", "Example", "Mark"):
            assert bullets.get(label), f"{metric} lacks {label}"
        assert re.search(r"\d", bullets["Example"]) or metric in {
            "robot_only_buyers"
        }, f"{metric}: an example has figures"


def test_marks_that_are_ours_say_so(seeds, blocks):
    for metric, seed in seeds.items():
        if seed["source_mark"] == "C":
            assert "our choice" in parts_of(blocks[metric])[2]["Mark"], metric


def test_numerators_and_denominators_are_metrics(seeds):
    for metric, seed in seeds.items():
        for side in ("numerator", "denominator"):
            for name in (seed[side], seed[f"agent_{side}"]):
                assert not name or name in seeds, f"{metric}: {name}"
        if seed["kind"] in {"rate", "complement_rate", "cohort_rate"}:
            assert seed["numerator"], f"{metric} is a rate without a numerator"
            assert seed["denominator"], f"{metric} is a rate without a denominator"


def test_rates_stand_beside_their_counts(seeds, mart_columns):
    """Wherever a rate of the daily tables is published, so are its two counts."""
    for table in DAILY_TABLES:
        columns = mart_columns[table]
        for metric in seeds.keys() & columns.keys():
            seed = seeds[metric]
            is_agent = table.startswith("agent")
            for side in ("numerator", "denominator"):
                name = (is_agent and seed[f"agent_{side}"]) or seed[side]
                assert not name or name in columns, f"{table}.{metric} lacks {name}"


def test_every_metric_is_a_column_of_a_mart(seeds, mart_columns):
    published = set().union(*mart_columns.values())
    assert seeds.keys() - published == set()


def test_columns_refer_to_the_block_of_their_name(seeds, mart_columns):
    strays = [
        f"{table}.{name}"
        for table, columns in mart_columns.items()
        for name, column in columns.items()
        if name in seeds and f"doc('{name}')" not in column["description"]
    ]
    assert strays == []


def test_columns_and_metrics_share_no_block(blocks):
    assert blocks.keys().isdisjoint(blocks_of("columns.md"))
