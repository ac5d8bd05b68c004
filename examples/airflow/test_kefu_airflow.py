"""The Airflow example: that it loads, runs, and what becomes of each ending."""

import os
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
FILE = FOLDER / "kefu_airflow.py"
TABLES = {"agent_kpi_daily", "mall_kpi_30d", "experience_score_30d", "dim_metrics"}


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory) -> Path:
    """An Airflow of its own, which has to be there before it is imported."""
    home = tmp_path_factory.mktemp("airflow")
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER),
    }
    airflow("db", "migrate")
    return home


def airflow(*words, world=None):
    return subprocess.run(
        [str(Path(sys.executable).with_name("airflow")), *words],
        env=os.environ | (world.environment if world else {}),
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def example(airflow_home, world, monkeypatch):
    return world.load(FILE, monkeypatch)


def asked(home, question):
    with sqlite3.connect(home / "airflow.db") as connection:
        return connection.execute(question).fetchall()


def state(home, dag="kefu_daily"):
    """Return how the newest run of a DAG ended, and its task."""
    return asked(
        home,
        "select dag_run.state, task_instance.state, task_instance.try_number"
        " from dag_run inner join task_instance"
        " on dag_run.dag_id = task_instance.dag_id"
        " and dag_run.run_id = task_instance.run_id"
        f" where dag_run.dag_id = '{dag}' order by dag_run.id desc limit 1",
    )[0]


# The order matters: what each finds is what those before have left.


def test_the_dags_load_without_errors(airflow_home, world):
    listed = airflow("dags", "list-import-errors", world=world)
    assert "No data found" in listed.stdout, listed.stdout + listed.stderr
    airflow("dags", "reserialize", world=world)
    assert asked(airflow_home, "select dag_id from dag order by dag_id") == [
        ("kefu_daily",),
        ("kefu_newest_scores",),
    ]


def test_a_failing_audit_before_anything_is_published(airflow_home, world):
    wrong = world.land_off_folder()
    done = airflow("dags", "test", "kefu_daily", world=world)
    assert "loaded_off_folder" in done.stdout + done.stderr
    assert state(airflow_home)[:2] == ("failed", "failed")
    assert not asked(airflow_home, "select * from asset_event")
    assert not (world.home / "published" / "kefu.duckdb").exists()
    wrong.unlink()
    wrong.parent.rmdir()


def test_a_run_publishes_and_tells_other_dags(airflow_home, world):
    done = airflow("dags", "test", "kefu_daily", world=world)
    assert state(airflow_home)[:2] == ("success", "success"), done.stdout
    assert world.newest() in done.stdout + done.stderr
    told = asked(
        airflow_home,
        "select uri from asset_event inner join asset on asset.id = asset_id",
    )
    assert {uri for (uri,) in told} >= {f"kefu://marts/{name}" for name in TABLES}


def test_nothing_new_is_skipped(airflow_home, world):
    count = "select count(*) from asset_event"
    before = world.newest(), asked(airflow_home, count)
    airflow("dags", "test", "kefu_daily", world=world)
    assert state(airflow_home)[1] == "skipped"
    assert (world.newest(), asked(airflow_home, count)) == before


def test_what_follows_a_publication(airflow_home, world):
    done = airflow("dags", "test", "kefu_newest_scores", world=world)
    assert state(airflow_home, "kefu_newest_scores")[:2] == ("success", "success")
    assert "score_display" in done.stdout + done.stderr


# --- what is in it ---------------------------------------------------------


def test_each_published_table_is_an_asset(example, world):
    listed = world.kefu(
        "query", "--csv", "select table_name from meta.row_counts"
    ).split()[1:]
    assert set(example.MARTS) == set(listed)
    (task,) = example.daily.tasks
    assert {asset.uri for asset in task.outlets} == {
        f"kefu://marts/{name}" for name in listed
    }
    assert example.daily.max_active_runs == 1
    assert str(example.daily.timezone) == "Asia/Shanghai"


# --- endings ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "is_retried"),
    [(1, False), (2, False), (3, True), (4, False), (5, True), (6, False), (137, True)],
)
def test_each_exit_code(airflow_home, stand_in, monkeypatch, code, is_retried):
    (stand_in.home / "kefu").write_text(
        f"echo kefu: it ended with {code} >&2\nexit {code}\n", encoding="utf-8"
    )
    example = stand_in.load(FILE, monkeypatch)
    (task,) = example.daily.tasks
    with pytest.raises(example.AirflowException, match=f"it ended with {code}") as told:
        task.execute({})
    assert isinstance(told.value, example.AirflowFailException) is not is_retried


def test_a_task_that_is_ended_ends_the_run(airflow_home, stand_in, monkeypatch):
    told = stand_in.home / "ended"
    (stand_in.home / "kefu").write_text(
        f"trap 'echo yes > {told}; exit 143' TERM\n"
        # It gives up by itself, so that the test fails where nobody ends it.
        "for _ in $(seq 100); do sleep 0.1; done\n",
        encoding="utf-8",
    )
    example = stand_in.load(FILE, monkeypatch)
    task = example.KefuOperator(task_id="ended", words=["run"])
    with subprocess.Popen(
        [*shlex.split(stand_in.command), "run"], start_new_session=True
    ) as called:
        task.hook.sub_process = called
        # Not before the script has said what it does when it is ended.
        with pytest.raises(subprocess.TimeoutExpired):
            called.wait(timeout=1)
        task.on_kill()
        assert called.wait(timeout=10) == 143
    assert told.read_text(encoding="utf-8") == "yes\n"


def test_without_a_manifest_the_way_out_is_told(airflow_home, stand_in, monkeypatch):
    (stand_in.home / "target").unlink()
    with pytest.raises(RuntimeError, match="dbt parse"):
        stand_in.load(FILE, monkeypatch)
