"""Impossible values of the variables: refused in one line before any model."""

import json
import os
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT, Kefu, make_mini

IMPOSSIBLE = [
    *(("response_unit", value) for value in ("rounds", "", None, 1, True)),
    *(("response_time_denominator", value) for value in ("some", None, 0)),
    *(
        ("reply_horizon_hours", value)
        for value in (0, -1, "24", "long", float("nan"), float("inf"), 1e9, None, True)
    ),
    *(("assess_robot_only_buyers", value) for value in ("yes", "true", 1, 0, None)),
    *(("resolve_order_buyers", value) for value in ("yes", "true", 1, 0, None)),
    *(
        ("after_sales_period_days", value)
        for value in (-1, 1.5, "15", 3_000_000_000, None, False)
    ),
    *(
        ("conversion_window_days", value)
        for value in (1, 0, 2.5, "3", 3_000_000_000, None, True)
    ),
    *(("score_min_orders", value) for value in (0, -5, 1.5, "many", None, True)),
    *(("score_min_peers", value) for value in (0, -5, 1.5, "many", None, True)),
    *(("service_score_min_buyers", value) for value in (0, 1.5, "many", None, True)),
    *(
        ("completeness_window_days", value)
        for value in (1, 366, 28.5, "28", None, True)
    ),
    *(
        ("completeness_min_days", value)
        for value in (1, 29, 366, 1.5, "14", None, True)
    ),
    *(("completeness_min_rows", value) for value in (0, -1, 0.5, "50", None, True)),
    *(
        ("completeness_low_share", value)
        for value in (0, -0.1, 1.01, "0.3", float("nan"), None, True)
    ),
    *(
        ("as_of_date", value)
        for value in (
            "garbage",
            "2026-02-30",
            "2026-13-01",
            "0000-00-00",
            "20260331",
            "2026-03-31 00:00:00",
            "1900-01-01",
            "2015-08-31",
            20260331,
            "",
        )
    ),
]
POSSIBLE = [
    ("response_unit", "round"),
    ("response_time_denominator", "all"),
    ("reply_horizon_hours", 0.5),
    ("reply_horizon_hours", 24),
    ("assess_robot_only_buyers", True),
    ("resolve_order_buyers", True),
    ("after_sales_period_days", 0),
    ("conversion_window_days", 2),
    ("score_min_orders", 1),
    ("score_min_peers", 1),
    ("service_score_min_buyers", 1),
    ("completeness_window_days", 14),
    ("completeness_min_days", 28),
    ("completeness_min_rows", 1),
    ("completeness_low_share", 1),
    ("as_of_date", "2015-09-01"),
    ("as_of_date", None),
]

# One process and one parse for all cases: what is asked about is the hook, and
# dbt renders it anew at each invocation.
ASK = """
import json, sys
from dbt.cli.main import dbtRunner
manifest = dbtRunner().invoke(["--quiet", "parse"]).result
answers = []
for name, value in json.load(sys.stdin):
    variables = json.dumps({name: value}).replace("NaN", ".nan")
    done = dbtRunner(manifest=manifest).invoke([
        "--quiet", "--log-level", "none", "build", "--exclude-resource-type", "test",
        "--vars", variables.replace("Infinity", ".inf"),
    ])
    results = getattr(done.result, "results", None) or []
    said = [str(done.exception or "")]
    said += [str(each.message) for each in results if str(each.status) == "error"]
    built = [
        each.node.name
        for each in results
        if each.node.resource_type == "model" and str(each.status) == "success"
    ]
    answers.append([done.success, " ".join(said), built])
print(json.dumps(answers))
"""


def key(case: tuple[str, object]) -> str:
    """Return a case as text: a value that equals no other cannot be looked up."""
    name, value = case
    return f"{name}={value!r}"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple]:
    """What dbt said to every case: whether it built, its words, its models."""
    home = tmp_path_factory.mktemp("vars")
    world: Kefu = make_mini(home)
    profiles = home / "profiles"
    profiles.mkdir()
    example = world.project / "profiles.example.yml"
    (profiles / "profiles.yml").write_bytes(example.read_bytes())
    cases = IMPOSSIBLE + POSSIBLE
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=False,
        cwd=world.project,
        env=world.environment | {"DBT_PROFILES_DIR": os.fspath(profiles)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    return dict(zip(map(key, cases), said, strict=True))


@pytest.mark.parametrize("case", IMPOSSIBLE, ids=key)
def test_impossible(answers: dict[str, tuple], case: tuple[str, object]) -> None:
    success, said, built = answers[key(case)]
    assert not success and built == []
    (line,) = [line.strip() for line in said.splitlines() if " must be " in line]
    assert line.startswith(f"var {case[0]} is ")


@pytest.mark.parametrize("case", POSSIBLE, ids=key)
def test_possible(answers: dict[str, tuple], case: tuple[str, object]) -> None:
    success, said, built = answers[key(case)]
    assert success, said
    assert built == ["dim_malls"]


def test_every_variable_is_tried() -> None:
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    declared = set(project["vars"])
    assert {name for name, _ in IMPOSSIBLE} == {name for name, _ in POSSIBLE}
    assert {name for name, _ in IMPOSSIBLE} == declared
