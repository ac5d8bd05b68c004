"""The Dagster example: what its graph shows, and what becomes of each ending."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

FILE = Path(__file__).with_name("kefu_dagster.py")
TABLES = ("agent_kpi_daily", "mall_kpi_30d", "experience_score_30d")


@pytest.fixture
def example(world, monkeypatch):
    return world.load(FILE, monkeypatch)


def materialize(example, instance=None):
    job = example.defs.resolve_job_def("kefu_daily")
    return job.execute_in_process(instance=instance, raise_on_error=False)


def made(result):
    return {
        event.materialization.asset_key.path[-1]: event.materialization.metadata
        for event in result.get_asset_materialization_events()
    }


def checks(result):
    return {
        check.check_name: check.passed for check in result.get_asset_check_evaluations()
    }


def failure(result):
    (event,) = (
        event for event in result.all_events if event.event_type_value == "STEP_FAILURE"
    )
    data = event.step_failure_data
    return data.user_failure_data or data.error


# The order matters: what each finds is what those before have left.


def test_a_failing_audit_before_anything_is_published(example, world):
    wrong = world.land_off_folder()
    result = materialize(example)
    assert not result.success
    assert not made(result)
    assert checks(result) == {"audit": False}
    told = failure(result)
    assert told.metadata["exit_code"].value == 6
    assert "loaded_off_folder" in told.description
    assert not (world.home / "published" / "kefu.duckdb").exists()
    wrong.unlink()
    wrong.parent.rmdir()


def test_everything_is_made_in_one_step(example, world):
    result = materialize(example)
    assert result.success, str(failure(result))
    assert checks(result) == {"data_tests": True, "audit": True}
    found = made(result)
    run_id = world.newest()
    assert found["kefu_published"]["run_id"].value == run_id
    for table in TABLES:
        (count,) = world.kefu(
            "query", "--csv", f"select count(*) from marts.{table}"
        ).split()[1:]
        assert found[table]["dagster/row_count"].value == int(count) > 0
    manifest = json.loads((world.home / "target" / "manifest.json").read_text("utf-8"))
    models = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    }
    assert set(found) == models | {"kefu_published"}


def test_nothing_new_makes_nothing(example, world):
    before = world.newest()
    result = materialize(example)
    assert result.success
    assert not made(result)
    assert checks(result) == {"data_tests": True, "audit": True}
    assert world.newest() == before


def test_a_failing_audit_leaves_what_is_published(example, world):
    before = world.newest()
    world.land_off_folder()
    result = materialize(example)
    assert not result.success
    assert not made(result)
    assert checks(result) == {"audit": False}
    assert world.newest() == before


def test_the_command_line_tells_a_failure_by_its_exit_code(example, world, tmp_path):
    command = [sys.executable, "-m", "dagster", "job", "execute"]
    called = subprocess.run(
        [*command, "-f", str(FILE), "-j", "kefu_daily"],
        env=os.environ | world.environment | {"DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert called.returncode == 1
    assert "loaded_off_folder" in called.stderr + called.stdout


# --- the graph -------------------------------------------------------------


def test_models_are_assets_and_read_from_left_to_right(example):
    graph = example.defs.resolve_asset_graph()
    published = graph.get(example.PUBLISHED)
    assert {key.path[-1] for key in published.parent_keys} >= set(TABLES)
    (key,) = (key for key in example.MARTS if key.path[-1] == "agent_kpi_daily")
    ancestors = {key}
    waiting = [key]
    while waiting:
        for parent in graph.get(waiting.pop()).parent_keys - ancestors:
            ancestors.add(parent)
            waiting.append(parent)
    assert dg.AssetKey(["pdd", "messages"]) in ancestors
    groups = {spec.group_name for spec in example.MODELS}
    assert groups == {"seeds", "staging", "intermediate", "marts"}


def test_one_model_alone_cannot_be_made(example):
    one = dg.AssetSelection.assets(example.MARTS[0])
    with pytest.raises(dg.DagsterInvalidSubsetError):
        example.defs.get_repository_def().get_job("kefu_daily").get_subset(
            asset_selection=one.resolve(example.defs.resolve_asset_graph())
        )


def test_the_schedule_is_in_the_shops_time(example):
    (schedule,) = example.defs.schedules
    assert (schedule.cron_schedule, schedule.execution_timezone) == (
        "0 6 * * *",
        "Asia/Shanghai",
    )


# --- endings ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "is_retried"),
    [(1, False), (2, False), (3, True), (4, False), (5, True), (6, False), (137, True)],
)
def test_each_exit_code(stand_in, monkeypatch, code, is_retried):
    calls = stand_in.home / "calls"
    (stand_in.home / "kefu").write_text(
        'test "$1" = query && exit 3\n'
        f"echo called >> {calls}\n"
        f"echo kefu: it ended with {code} >&2\n"
        f"exit {code}\n",
        encoding="utf-8",
    )
    policy = dg.RetryPolicy
    # At once, in place of ten minutes later.
    monkeypatch.setattr(
        dg, "RetryPolicy", lambda max_retries, delay: policy(max_retries)
    )
    example = stand_in.load(FILE, monkeypatch)
    result = materialize(example)
    assert not result.success
    told = failure(result)
    assert told.description == f"kefu: it ended with {code}"
    assert told.metadata["exit_code"].value == code
    assert len(calls.read_text("utf-8").splitlines()) == (4 if is_retried else 1)
    assert checks(result) == (
        {example.CHECKS[code]: False} if code in example.CHECKS else {}
    )


def test_a_step_that_is_ended_ends_the_run(stand_in, monkeypatch):
    told = stand_in.home / "ended"
    (stand_in.home / "kefu").write_text(
        f"trap 'echo yes > {told}; exit 143' TERM\n"
        # It gives up by itself, so that the test fails where nobody ends it.
        "echo begun\nfor _ in $(seq 100); do sleep 0.1; done\n",
        encoding="utf-8",
    )
    example = stand_in.load(FILE, monkeypatch)

    class Log:
        """Ends the step as Dagster does, when the first line comes."""

        def info(self, _):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        example.call_kefu(Log(), "run")
    until = time.monotonic() + 10
    while not told.exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert told.read_text(encoding="utf-8") == "yes\n"


def test_without_a_manifest_the_way_out_is_told(stand_in, monkeypatch):
    (stand_in.home / "target").unlink()
    with pytest.raises(RuntimeError, match="dbt parse"):
        stand_in.load(FILE, monkeypatch)
