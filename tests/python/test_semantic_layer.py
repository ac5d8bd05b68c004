"""The semantic layer answers without SQL, and with the numbers of the marts.

Every metric is asked of MetricFlow at the grain of a published table and laid
beside that table, row by row: counts and amounts are equal, means and rates to
1e-9. What it cannot express stands, with the reason, in docs/semantic_layer.md.
"""

import copy
import csv
import datetime as dt
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import duckdb
import jinja2
import pytest
import yaml
from conftest import ROOT, Kefu
from metricflow.engine.metricflow_engine import (
    MetricFlowEngine,
    MetricFlowQueryRequest,
)
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import (
    parse_manifest_from_dbt_generated_manifest,
)
from metricflow_semantics.model.semantic_manifest_lookup import (
    SemanticManifestLookup,
)

SEED = ROOT / "seeds" / "metrics.csv"
DOCS = ROOT / "docs" / "semantic_layer.md"
UNEXPRESSED = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| (.+) \|$", re.MULTILINE)
QUESTIONS = re.compile(r"mf query --metrics ([\w,]+)\s+--group-by ([\w,]+)")
# How the labels of figures of agents and of agents' shifts are told apart.
TAGS = {"": ("", ""), "agent_": (" (agent)", "(客服)")}
TAGS["shift_"] = (" (agent and shift)", "(客服班次)")
# A refund request makes no row in the daily table when nothing else happened.
NO_EVENTS = {"after_sales_first_responses", "after_sales_first_response_seconds"}
QUESTION = ("reply_rate_30s", ["mall__category_name", "metric_time__week"])


@dataclass(frozen=True)
class Grain:
    """A published table, and how its grain is asked for."""

    table: str
    keys: dict[str, str]  # what to group by -> the table's expression for it
    prefix: str = ""
    suffix: str = ""
    only: tuple[str, ...] = ()  # these columns, not all that are metrics
    named: tuple[tuple[str, str], ...] = ()  # metrics of another name: column
    where: str = "true"
    # Beside other metrics a rolling count without a row is NULL, not 0.
    may_lack: bool = False


AGENT = "mall_id || ':' || cs_uid"
DAY = "metric_time__day"
GRAINS = [
    Grain("mall_kpi_daily", {"mall": "mall_id", DAY: "service_date"}),
    Grain("agent_kpi_daily", {"agent": AGENT, DAY: "service_date"}, "agent_"),
    Grain(
        "agent_kpi_shift_daily",
        {"agent": AGENT, "agent_shift__shift_name": "shift_name", DAY: "service_date"},
        "shift_",
    ),
    Grain(
        "hourly_load",
        {
            "mall": "mall_id",
            "mall_hour__hour_of_day": "hour_of_day",
            DAY: "service_date",
        },
        only=("messages", "buyers", "active_agents", "buyers_per_active_agent"),
    ),
    Grain(
        "help_seeking_daily",
        {
            "mall": "mall_id",
            "problem": "problem_code",
            "help_request__channel": "channel",
            DAY: "request_date",
        },
    ),
    Grain(
        "help_seeking_rate_30d",
        {"mall": "mall_id", DAY: "as_of_date"},
        where="module = 'all'",
    ),
    Grain(
        "core_issues_30d",
        {"mall": "mall_id", "problem": "problem_code", DAY: "as_of_date"},
        only=("platform_share",),
        named=(
            ("problem_help_orders_30d", "help_orders_30d"),
            ("problem_platform_help_orders_30d", "platform_help_orders_30d"),
        ),
    ),
    Grain(
        "mall_kpi_30d",
        {"mall": "mall_id", DAY: "as_of_date"},
        suffix="_30d",
        may_lack=True,
    ),
    Grain(
        "mall_kpi_30d",
        {"mall": "mall_id", DAY: "as_of_date"},
        only=("distinct_consult_buyers_30d",),
    ),
    Grain(
        "agent_service_score_30d",
        {"agent": AGENT, DAY: "as_of_date"},
        only=("buyer_days",),
    ),
]


class Layer:
    """MetricFlow over the published demo file, in this process."""

    def __init__(self, manifest: Path, published: Path) -> None:
        text = manifest.read_text(encoding="utf-8")
        told = json.loads(text)
        self.definitions = {metric["name"]: metric for metric in told["metrics"]}
        parsed = parse_manifest_from_dbt_generated_manifest(text)
        # It only writes the query; that is run on the published file below.
        client = SimpleNamespace(
            sql_engine_type=SqlEngine.DUCKDB, sql_plan_renderer=DuckDbSqlPlanRenderer()
        )
        self._engine = MetricFlowEngine(SemanticManifestLookup(parsed), client)
        self.table_of = {
            measure["name"]: model["node_relation"]["alias"]
            for model in told["semantic_models"]
            for measure in model["measures"]
        }
        self.expression_of = {
            measure["name"]: measure["expr"]
            for model in told["semantic_models"]
            for measure in model["measures"]
        }
        self.published = published

    def over(self, published: Path) -> "Layer":
        """Return the same layer over another file."""
        other = copy.copy(self)
        other.published = published
        return other

    def ask(
        self, metrics: Iterable[str], by: Iterable[str]
    ) -> dict[tuple, dict[str, object]]:
        """Return the metrics by the values of what they are grouped by."""
        by = list(by)
        request = MetricFlowQueryRequest.create(
            metric_names=list(metrics), group_by_names=by
        )
        rows = self.select(self._engine.explain(request).sql_statement.sql)
        return {tuple(row.pop(name) for name in by): row for row in rows}

    def select(self, query: str) -> list[dict[str, object]]:
        with duckdb.connect(str(self.published), read_only=True) as connection:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description]
            return [
                dict(zip(names, map(plain, row), strict=True))
                for row in cursor.fetchall()
            ]

    def columns_of(self, grain: Grain) -> dict[str, str]:
        """Return the metrics asked at a grain, and the column of each."""
        columns = grain.only or self.select(f"from marts.{grain.table} limit 1")[0]
        named = {grain.prefix + column + grain.suffix: column for column in columns}
        kept = {name: named[name] for name in named if name in self.definitions}
        return kept | dict(grain.named)


def plain(value: object) -> object:
    """A day is a day, whether it came as a date or as its midnight."""
    return value.date() if isinstance(value, dt.datetime) else value


def is_same(asked: object, expected: object, may_lack: bool = False) -> bool:
    if may_lack and asked is None and expected == 0:
        return True
    if isinstance(asked, float) and isinstance(expected, float):
        return math.isclose(asked, expected, rel_tol=1e-9, abs_tol=1e-9)
    # A decimal of the table may be a sum of another scale, but no float.
    exact = (int, Decimal, type(None))
    return (
        isinstance(asked, exact) and isinstance(expected, exact) and asked == expected
    )


@pytest.fixture(scope="module")
def layer(demo: tuple[Kefu, str]) -> Layer:
    world, _ = demo
    return Layer(world.home / "target" / "semantic_manifest.json", world.published)


@pytest.fixture(scope="module")
def seed() -> dict[str, dict[str, str]]:
    with SEED.open(encoding="utf-8", newline="") as file:
        return {row["metric"]: row for row in csv.DictReader(file)}


def is_helper(metric: dict) -> bool:
    return metric["label"].endswith("helper)")


@pytest.mark.parametrize("grain", GRAINS, ids=lambda grain: grain.table + grain.suffix)
def test_metrics_equal_the_mart(layer: Layer, grain: Grain) -> None:
    metrics = layer.columns_of(grain)
    asked = layer.ask(metrics, grain.keys)
    keys = ", ".join(f'{text} as "{name}"' for name, text in grain.keys.items())
    figures = ", ".join(f'{column} as "{name}"' for name, column in metrics.items())
    expected = {
        tuple(row.pop(name) for name in grain.keys): row
        for row in layer.select(
            f"select {keys}, {figures} from marts.{grain.table} where {grain.where}"
        )
    }
    assert expected
    wrong = [
        (key, name, asked[key][name], value)
        for key, row in expected.items()
        if key in asked
        for name, value in row.items()
        if not is_same(asked[key][name], value, grain.may_lack)
    ]
    assert wrong[:5] == []
    # Nothing is missing but rows without a figure, nothing besides but such.
    missing = [expected[key] for key in expected.keys() - asked.keys()]
    besides = [asked[key] for key in asked.keys() - expected.keys()]
    assert [row for row in missing if any(row.values())] == []
    assert [
        row
        for row in besides
        if any(value for name, value in row.items() if name not in NO_EVENTS)
    ] == []
    silent = {name for name in metrics if not any(row[name] for row in asked.values())}
    assert silent == set(), "nothing was compared"


def test_every_metric_is_compared(layer: Layer) -> None:
    compared = set().union(*(layer.columns_of(grain) for grain in GRAINS))
    helpers = {name for name, row in layer.definitions.items() if is_helper(row)}
    assert layer.definitions.keys() - helpers - compared == set()
    assert all(layer.definitions[name]["description"] for name in helpers)


def test_every_metric_of_the_seed_is_expressed_or_says_why_not(
    layer: Layer, seed: dict[str, dict[str, str]]
) -> None:
    expressed = {
        metric
        for metric in seed
        if layer.definitions.keys() & {metric, f"agent_{metric}"}
    }
    section = DOCS.read_text(encoding="utf-8").partition("## What it does not")[2]
    listed = [
        name
        for names, reason in UNEXPRESSED.findall(section)
        if len(reason.split()) > 4
        for name in re.findall(r"`(\w+)`", names)
    ]
    assert len(listed) == len(set(listed))
    assert set(listed) == seed.keys() - expressed


def test_labels_and_descriptions_are_those_of_the_seed(
    layer: Layer, seed: dict[str, dict[str, str]]
) -> None:
    for name, metric in layer.definitions.items():
        if is_helper(metric):
            continue
        prefix = "" if name in seed else (re.match("agent_|shift_|", name) or [""])[0]
        rolling = "" if name.removeprefix(prefix) in seed else "_30d"
        row = seed[name.removeprefix(prefix).removesuffix(rolling)]
        english, chinese = TAGS[prefix]
        expected = f"{row['name_en']}{english} · {row['name_zh']}{chinese}"
        if rolling:
            expected = f"{row['name_en']} over 30 days · 30天{row['name_zh']}"
        assert metric["label"] == expected
        told = " ".join(metric["description"].split())
        assert f"**{row['name_zh']} · {row['name_en']}**" in told, name
        assert row["definition"] in told, name


def test_a_week_of_a_category_is_the_ratio_of_its_sums(layer: Layer) -> None:
    metric, by = QUESTION
    asked = {key: row[metric] for key, row in layer.ask([metric], by).items()}
    expected = layer.select(
        """
        select
            dim_malls.category_name,
            date_trunc('week', mall_kpi_daily.service_date) as week,
            sum(mall_kpi_daily.messages_replied_30s)
            / nullif(sum(mall_kpi_daily.assessed_messages), 0) as rate
        from marts.mall_kpi_daily
        inner join marts.dim_malls using (mall_id)
        group by all
        """
    )
    assert len({row["category_name"] for row in expected}) > 1
    rates = {(row["category_name"], row["week"]): row["rate"] for row in expected}
    assert {key for key, rate in rates.items() if rate is not None} <= asked.keys()
    assert all(is_same(rate, rates[key]) for key, rate in asked.items())


def test_a_week_of_a_30_day_rate_is_its_last_day(layer: Layer) -> None:
    asked = layer.ask(
        ["help_seeking_rate", "reply_rate_3min_30d"],
        ["mall__category_name", "metric_time__week"],
    )
    expected = layer.select(
        """
        with

        help_rates as (

            select *
            from marts.help_seeking_rate_30d
            where module = 'all'

        ),

        last_days as (

            select max(as_of_date) as as_of_date
            from help_rates
            group by date_trunc('week', as_of_date)

        )

        select
            dim_malls.category_name,
            date_trunc('week', as_of_date) as week,
            sum(help_rates.help_orders_30d)
            / nullif(sum(help_rates.grouped_orders_30d), 0) as help_seeking_rate,
            1 - sum(mall_kpi_30d.late_buyers_3min)
            / nullif(sum(mall_kpi_30d.assessed_consult_buyers), 0)
                as reply_rate_3min_30d
        from last_days
        inner join help_rates using (as_of_date)
        left join marts.mall_kpi_30d using (mall_id, as_of_date)
        inner join marts.dim_malls using (mall_id)
        group by all
        """
    )
    assert len(expected) > 4
    for row in expected:
        figures = asked[row.pop("category_name"), row.pop("week")]
        assert all(is_same(figures[name], value) for name, value in row.items()), row


def test_metrics_over_facts_end_with_the_last_complete_day(
    layer: Layer, tmp_path: Path
) -> None:
    """The facts hold the running day too; no figure may take it in.

    Here a copy of the published file says that all ended ten days earlier.
    """
    over_facts = sorted(
        name
        for name, metric in layer.definitions.items()
        if metric["type"] == "simple"
        and layer.table_of[metric["type_params"]["measure"]["name"]].startswith("fct_")
    )
    assert len(over_facts) > 30
    file = tmp_path / layer.published.name
    shutil.copyfile(layer.published, file)
    with duckdb.connect(str(file)) as connection:
        (end,) = connection.execute(
            "select max(date_day) - 10 from marts.metricflow_time_spine"
        ).fetchone()
        connection.execute(
            "delete from marts.metricflow_time_spine where date_day > ?", [end]
        )
    after, cut = (
        {
            name
            for (day,), row in asked.ask(over_facts, [DAY]).items()
            for name in over_facts
            if day > end and row[name]
        }
        for asked in (layer, layer.over(file))
    )
    assert after == set(over_facts)
    assert cut == set()


def test_the_questions_of_the_docs_have_answers(layer: Layer) -> None:
    asked = QUESTIONS.findall(DOCS.read_text(encoding="utf-8"))
    assert len(asked) >= 5
    for metrics, by in asked:
        names = metrics.split(",")
        rows = layer.ask(names, by.split(","))
        assert any(all(row[name] for name in names) for row in rows.values()), names


@pytest.mark.parametrize(
    ("metric", "by"),
    [
        ("agent_reply_rate_3min", "agent__agent_role"),
        ("agent_sales_amount", "mall__category_name"),
        ("median_response_seconds", "message__shift_name"),
        ("p90_response_seconds", "message__hour_of_day"),
        ("agent_median_response_seconds", "agent__agent_role"),
        ("inquiry_conversion_rate", "consultation__is_conversion_final"),
        ("effective_reply_rate", "consultation__is_response_final"),
        ("refund_rate", "calendar_day__sale_season,calendar_day__weekday_name"),
        ("sales_amount", "sale__attribution_step"),
        ("platform_intervention_orders", "problem__module"),
        ("help_orders", "problem__module"),
        ("help_requests", "help_request__channel"),
        ("buyers_per_active_agent", "mall_hour__hour_of_day"),
        ("problem_help_orders_30d", "problem__name_zh"),
    ],
)
def test_figures_can_be_broken_down_by(layer: Layer, metric: str, by: str) -> None:
    answer = layer.ask([metric], by.split(","))
    assert sum(row[metric] is not None for row in answer.values()) > 1


def texts_with_vars(section: object, named: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts of a YAML file that read a var, by metric or measure."""
    if isinstance(section, list):
        for item in section:
            yield from texts_with_vars(item, named)
    elif isinstance(section, dict):
        for value in section.values():
            yield from texts_with_vars(value, section.get("name", named))
    elif "var(" in str(section):
        yield named, section


def test_means_follow_the_var_for_their_denominator(layer: Layer) -> None:
    """With `all`, the means divide by all assessed messages, as the marts do."""
    texts = dict(
        found
        for path in sorted((ROOT / "models" / "semantic").glob("*.yml"))
        for found in texts_with_vars(yaml.safe_load(path.read_text(encoding="utf-8")))
    )
    means = {name for name in layer.definitions if "avg_response_seconds" in name}
    sums = set(texts) - means
    assert means <= set(texts)
    assert len(sums) == 4
    for name, text in texts.items():
        answered, among_all = (
            jinja2.Template(text).render(
                var={"response_time_denominator": chosen}.__getitem__
            )
            for chosen in ("answered", "all")
        )
        if name in means:
            used = layer.definitions[name]["type_params"]["denominator"]["name"]
        else:
            used = layer.expression_of[name]
        assert answered == used
        assert "answered_messages" in answered
        assert among_all == answered.replace("answered_", "assessed_")


def test_the_command_line_answers(
    demo: tuple[Kefu, str], layer: Layer, tmp_path: Path
) -> None:
    """The question of the docs through `mf`, in a folder of the project's shape."""
    world, _ = demo
    project = tmp_path / "project"
    project.mkdir()
    for part in ("dbt_project.yml", "kefu", "macros", "models", "seeds"):
        (project / part).symlink_to(ROOT / part)
    shutil.copyfile(ROOT / "profiles.example.yml", project / "profiles.yml")
    (project / "target").mkdir()
    shutil.copy(world.home / "target" / "semantic_manifest.json", project / "target")
    # It opens the working database for writing; the other tests read their own.
    database = tmp_path / world.database.name
    shutil.copyfile(world.database, database)
    metric, by = QUESTION
    answer = tmp_path / "answer.csv"
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("mf"), "query"),
            *("--metrics", metric, "--group-by", ",".join(by), "--csv", answer),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=project,
        env=world.environment
        | {"KEFU_DATABASE": str(database), "DBT_LOG_PATH": str(tmp_path / "logs")}
        | {"HOME": os.environ.get("HOME", str(tmp_path))},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = list(csv.DictReader(io.StringIO(answer.read_text(encoding="utf-8"))))
    told = {
        (row[by[0]], dt.date.fromisoformat(row[by[1]][:10])): float(row[metric])
        for row in rows
        if row[metric]
    }
    expected = {
        key: row[metric]
        for key, row in layer.ask([metric], by).items()
        if row[metric] is not None
    }
    assert told == pytest.approx(expected, rel=1e-6)
