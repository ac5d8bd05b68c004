"""The warehouse in Dagster: its models as assets, `kefu run` as what makes them.

All assets come from dbt's manifest, and one step makes them all, by calling
`kefu run`: it builds, tests and audits in the working database and publishes
in one piece. A step a model would leave tables that are tested one by one and
published never, and each would have to open the one database file.
"""

import csv
import json
import os
import shlex
import subprocess
import threading
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    build_dbt_asset_specs,
)

PROJECT = Path(os.environ.get("KEFU_PROJECT") or Path(__file__).resolve().parents[2])
# The warehouse has an environment of its own: Dagster never imports it.
COMMAND = shlex.split(os.environ.get("KEFU_COMMAND") or f"{PROJECT}/.venv/bin/kefu")
MANIFEST = PROJECT / (os.environ.get("DBT_TARGET_PATH") or "target") / "manifest.json"

TESTS_FAILED, AUDIT_FAILED = 4, 6
# What may be well in ten minutes: 3 an unfinished delivery or a full disk, 5 a
# publication that was hindered, the others a process that was ended from
# outside. A failed test or audit is not mended by asking again.
WORTH_RETRYING = {3, 5, 129, 130, 137, 143}

PUBLISHED = dg.AssetKey("kefu_published")
CHECKS = {TESTS_FAILED: "data_tests", AUDIT_FAILED: "audit"}
PUBLICATION = """
    select run_id, published_at, as_of_end, is_tested, is_audited
    from meta.publication
"""
ROWS = "select table_name, rows from meta.row_counts"


def read_manifest() -> dict:
    """Return dbt's manifest; raises with the command that makes it."""
    if not MANIFEST.exists():
        raise RuntimeError(
            f"there is no {MANIFEST} yet: call `{shlex.join(COMMAND)} dbt parse`"
        )
    return json.loads(MANIFEST.read_text(encoding="utf-8"))


class Translator(DagsterDbtTranslator):
    """Groups assets by layer, so that the graph reads from left to right."""

    def get_group_name(self, dbt_resource_props: dict) -> str:
        """Return the layer: seeds, staging, intermediate or marts."""
        kind = dbt_resource_props["resource_type"]
        return dbt_resource_props["fqn"][1] if kind == "model" else f"{kind}s"


def in_order(specs: Iterable[dg.AssetSpec]) -> list[dg.AssetSpec]:
    """Return the assets with each after those it is made from, as Dagster asks."""
    found = {spec.key: spec for spec in specs}
    read = {key: [dep.asset_key for dep in spec.deps] for key, spec in found.items()}
    return [
        found[key] for key in TopologicalSorter(read).static_order() if key in found
    ]


MODELS = in_order(
    build_dbt_asset_specs(
        manifest=read_manifest(),
        dagster_dbt_translator=Translator(
            # `kefu run` runs the tests; they are told together, see CHECKS.
            settings=DagsterDbtTranslatorSettings(enable_asset_checks=False)
        ),
    )
)
MARTS = [spec.key for spec in MODELS if spec.group_name == "marts"]
FILE = dg.AssetSpec(
    PUBLISHED,
    deps=MARTS,
    group_name="published",
    description="What BI tools open: all marts of one run, tested and audited.",
    skippable=True,
)


def answers(question: str) -> list[dict[str, str]]:
    """Ask the published file; dg.Failure if it cannot answer."""
    asked = subprocess.run(
        [*COMMAND, "query", "--csv", question],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )
    if asked.returncode:
        raise dg.Failure(asked.stderr.strip())
    return list(csv.DictReader(asked.stdout.splitlines()))


def call_kefu(log: dg.DagsterLogManager, *words: str) -> tuple[int, str]:
    """Call `kefu`, its lines into Dagster's log; return exit code and last error.

    A step that is ended ends what it has called, which then leaves the published
    file as it was.
    """
    with subprocess.Popen(
        [*COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    ) as called:
        errors: list[str] = []
        # Read beside the output: a full pipe would hold the command up.
        reader = threading.Thread(target=lambda: errors.extend(called.stderr))
        reader.start()
        try:
            for line in called.stdout:
                log.info(line.rstrip())
            called.wait()
        except BaseException:
            called.terminate()
            raise
        reader.join()
    # A process that a signal ended counts as in the shell.
    code = called.returncode if called.returncode >= 0 else 128 - called.returncode
    return code, errors[-1].strip() if errors else ""


@dg.multi_asset(
    name="kefu_run",
    specs=[*MODELS, FILE],
    check_specs=[dg.AssetCheckSpec(name, asset=PUBLISHED) for name in CHECKS.values()],
    can_subset=False,
    retry_policy=dg.RetryPolicy(max_retries=3, delay=600),
)
def kefu_run(
    context: dg.AssetExecutionContext,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Build, test, audit and publish; a run with nothing new makes no asset."""
    try:
        (before,) = answers(PUBLICATION)
    except dg.Failure:
        before = {"run_id": "nothing was published yet"}
    code, told = call_kefu(context.log, "run", "--wait")
    if code:
        if code in CHECKS:
            yield dg.AssetCheckResult(
                asset_key=PUBLISHED,
                check_name=CHECKS[code],
                passed=False,
                description=told,
            )
        raise dg.Failure(
            told or f"kefu run ended with {code}",
            metadata={"exit_code": code},
            allow_retries=code in WORTH_RETRYING,
        )
    (now,) = answers(PUBLICATION)
    for name, was_run in zip(
        CHECKS.values(), (now["is_tested"], now["is_audited"]), strict=True
    ):
        yield dg.AssetCheckResult(
            asset_key=PUBLISHED, check_name=name, passed=was_run.lower() == "true"
        )
    if before["run_id"] == now["run_id"]:
        context.log.info("nothing new: what is published stands")
        return
    rows = {row["table_name"]: int(row["rows"]) for row in answers(ROWS)}
    for spec in MODELS:
        known = {"run_id": now["run_id"]}
        if spec.key.path[-1] in rows:
            known["dagster/row_count"] = rows[spec.key.path[-1]]
        yield dg.MaterializeResult(asset_key=spec.key, metadata=known)
    yield dg.MaterializeResult(asset_key=PUBLISHED, metadata=now)


daily = dg.define_asset_job("kefu_daily", selection=dg.AssetSelection.all())

defs = dg.Definitions(
    assets=[kefu_run],
    jobs=[daily],
    schedules=[
        dg.ScheduleDefinition(
            job=daily,
            cron_schedule="0 6 * * *",
            execution_timezone="Asia/Shanghai",
        )
    ],
)
