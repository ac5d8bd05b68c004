"""The warehouse in Airflow: `kefu run` once a day, the marts as Airflow's assets.

One task does the whole run, because it builds, tests and audits in one working
database and publishes in one piece. A task a model would have to open that one
file from many processes, and would leave tables that are tested one by one and
published never. What other DAGs can wait for is every mart, by its name.
"""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pendulum
from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, Asset, BaseOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)

PROJECT = Path(os.environ.get("KEFU_PROJECT") or Path(__file__).resolve().parents[2])
# The warehouse has an environment of its own: Airflow never imports it.
COMMAND = shlex.split(os.environ.get("KEFU_COMMAND") or f"{PROJECT}/.venv/bin/kefu")
MANIFEST = PROJECT / (os.environ.get("DBT_TARGET_PATH") or "target") / "manifest.json"

# What may be well in ten minutes: 3 an unfinished delivery or a full disk, 5 a
# publication that was hindered, the others a process that was ended from
# outside. A failed test or audit is not mended by asking again.
WORTH_RETRYING = {3, 5, 129, 130, 137, 143}

NEWEST = "select run_id from meta.publication"
SCORES = """
    select mall_id, as_of_date, score_display, score_tier
    from marts.experience_score_30d
    where as_of_date = (select max(as_of_date) from marts.experience_score_30d)
    order by experience_score desc nulls last, mall_id
"""


def marts() -> dict[str, Asset]:
    """Return an asset for each published table, from dbt's manifest."""
    if not MANIFEST.exists():
        raise RuntimeError(
            f"there is no {MANIFEST} yet: call `{shlex.join(COMMAND)} dbt parse`"
        )
    nodes = json.loads(MANIFEST.read_text(encoding="utf-8"))["nodes"].values()
    return {
        node["name"]: Asset(
            name=f"kefu.{node['name']}", uri=f"kefu://marts/{node['name']}"
        )
        for node in nodes
        if node["resource_type"] == "model" and node["config"]["access"] == "public"
    }


def published_run() -> str:
    """Return the id of the run that is published; raises if there is none."""
    asked = subprocess.run(
        [*COMMAND, "query", "--csv", NEWEST],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )
    if asked.returncode:
        raise AirflowException(asked.stderr.strip())
    return asked.stdout.split()[-1]


class KefuOperator(BaseOperator):
    """Calls `kefu` with some words, its lines into the task's log.

    A task that is stopped or takes too long ends what it has called, which then
    leaves the published file as it was.
    """

    def __init__(self, *, words: list[str], **settings: object) -> None:
        """Take the words after `kefu`, as in ["run", "--wait"]."""
        super().__init__(**settings)
        self.words = words
        self.hook = SubprocessHook()

    def execute(self, context: dict) -> None:
        """Call it. A failure that asking again does not mend is not retried."""
        done = self.hook.run_command([*COMMAND, *self.words], cwd=str(PROJECT))
        # A process that a signal ended counts as in the shell.
        code = done.exit_code if done.exit_code >= 0 else 128 - done.exit_code
        if code:
            told = f"exit code {code}: {done.output}"
            raise (
                AirflowException(told)
                if code in WORTH_RETRYING
                else AirflowFailException(told)
            )

    def on_kill(self) -> None:
        """End what was called."""
        self.hook.send_sigterm()


class KefuRunOperator(KefuOperator):
    """Calls `kefu run`; is skipped, and its assets stand, if nothing was new."""

    def execute(self, context: dict) -> None:
        """Run, and look whether there is another version."""
        try:
            before = published_run()
        except AirflowException:
            before = None  # nothing was published yet
        super().execute(context)
        if published_run() == before:
            raise AirflowSkipException(f"nothing new since run {before}")


MARTS = marts()

with DAG(
    dag_id="kefu_daily",
    schedule="0 6 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
) as daily:
    KefuRunOperator(
        task_id="run",
        words=["run", "--wait"],
        outlets=list(MARTS.values()),
        retries=3,
        retry_delay=pendulum.duration(minutes=10),
        execution_timeout=pendulum.duration(hours=3),
    )

# What a team puts here: a mail, an upload, a refresh of a BI tool.
with DAG(
    dag_id="kefu_newest_scores",
    schedule=[MARTS["experience_score_30d"]],
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    doc_md="Shows the newest scores whenever they were published anew.",
) as newest_scores:
    KefuOperator(task_id="show", words=["query", SCORES])
