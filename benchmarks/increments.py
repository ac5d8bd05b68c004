"""A daily increment against the full build, at several lengths of history.

    python -m benchmarks.increments --days 30 90 180 365

For each length the history is built in full, then one more day lands and
`kefu run` continues, then it is called once more with nothing new. Every length
ends on the same day with the same rows a day. The increments are run several times,
each from the same built history, one length after the other and then again from the
first, so that a machine that is slow for a while is so for all; told is the run whose
models took the median. Prints a table in Markdown and appends the figures to
results/increments.json.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import dbt_times
from benchmarks.lots import Lot
from benchmarks.measure import (
    BenchmarkError,
    keep,
    markdown,
    surroundings,
)
from kefu.settings import DEMO_MARK

STAGES = ("building", "auditing", "publishing", "published")
# What is landed when it changes, so that its rows of today may have come long ago.
MEMBERS = ("malls", "agents", "excluded_buyers")
LOAD_DATE = re.compile(r"load_date=(\d{4}-\d\d-\d\d)")


@dataclass(frozen=True)
class Run:
    """What one `kefu run` took, in seconds."""

    wall_seconds: float
    stage_seconds: dict[str, float]
    models: float
    data_tests: float

    def figures(self) -> dict[str, float]:
        """Return what is kept of it."""
        shown = {f"{stage}_seconds": s for stage, s in self.stage_seconds.items()}
        found = {"wall_seconds": self.wall_seconds, "model_seconds": self.models}
        found["data_test_seconds"] = self.data_tests
        return {name: round(value, 2) for name, value in (found | shown).items()}


def run_kefu(environment: Mapping[str, str], *options: str) -> Run:
    """Call `kefu run` and note when it says that a stage begins.

    Raises BenchmarkError with what it printed if it fails.
    """
    results = Path(environment["DBT_TARGET_PATH"]) / "run_results.json"
    results.unlink(missing_ok=True)
    command = [sys.executable, "-u", "-m", "kefu.cli", "run", *options]
    started = time.perf_counter()
    begun: dict[str, float] = {}
    printed = []
    with subprocess.Popen(
        command,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            printed.append(line)
            for stage in STAGES:
                if line.startswith(stage):
                    begun.setdefault(stage, time.perf_counter() - started)
    wall = time.perf_counter() - started
    if process.returncode:
        raise BenchmarkError("kefu run failed:\n" + "".join(printed)[-2000:])
    moments = [*begun.items(), ("", wall)]
    stages = {
        stage: moments[index + 1][1] - moment
        for index, (stage, moment) in enumerate(moments[:-1])
    }
    seconds = {"model": 0.0, "test": 0.0}
    if results.exists():
        spans = dbt_times.read_spans(results.parent, kinds=("model", "seed", "test"))
        shares = dbt_times.divide(spans, lambda moment: 0.0)
        kinds = {span.model: span.kind for span in spans}
        for name, share in shares.items():
            kind = "test" if kinds[name] == "test" else "model"
            seconds[kind] += share.wall_seconds
    return Run(wall, stages, seconds["model"], seconds["test"])


def land(source: Path, target: Path, dates: set[str], members: set[str]) -> None:
    """Put the landings of some load dates into a folder, as links.

    Those of the tables of members are those of dates of their own.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*/load_date=*/*"):
        inside = path.relative_to(source)
        wanted = members if inside.parts[0] in MEMBERS else dates
        if LOAD_DATE.search(path.as_posix()).group(1) in wanted:
            place = target / inside
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, place)


class History:
    """A warehouse of some days of landings, and the day that comes next."""

    def __init__(self, lot: Lot, days: int, memory_limit: str | None) -> None:
        """Land `days` days of a lot in a folder of its own, and build them."""
        self.lot = lot
        self.home = lot.home / "increments" / str(days)
        shutil.rmtree(self.home, ignore_errors=True)
        dates = sorted(
            {
                LOAD_DATE.search(path.as_posix()).group(1)
                for path in lot.raw_root.rglob("load_date=*")
            }
        )
        # With the last load comes whatever was due after it: no day like the others.
        # The last but one is the day that comes new.
        *history, self.next_date, _ = dates
        self.environment = lot.environment(memory_limit) | {
            "KEFU_RAW_ROOT": str(self.home / "raw"),
            "KEFU_DATABASE": str(self.home / "working" / "kefu.duckdb"),
            "KEFU_PUBLISHED": str(self.home / "published" / "kefu.duckdb"),
            "DBT_TARGET_PATH": str(self.home / "target"),
            "DBT_LOG_PATH": str(self.home / "logs"),
        }
        land(lot.raw_root, self.home / "raw", set(history[-days:]), set(history))
        shutil.copy2(lot.raw_root / DEMO_MARK, self.home / "raw")
        self.full = run_kefu(self.environment)
        for place in ("working", "published"):
            shutil.copytree(self.home / place, self.home / "built" / place)
        land(lot.raw_root, self.home / "raw", {self.next_date}, {self.next_date})

    def continued(self) -> tuple[Run, Run]:
        """Build the next day from what was built, and then nothing more."""
        for place in ("working", "published"):
            shutil.rmtree(self.home / place)
            shutil.copytree(self.home / "built" / place, self.home / place)
        # What the copy leaves to be written is not the run's work.
        os.sync()
        # In a short history the late rows of invented orders weigh much.
        late = ("--accept", "published_figures_kept", "--reason", "late invented rows")
        return run_kefu(self.environment, *late), run_kefu(self.environment)


def measure(
    lot: Lot, lengths: Sequence[int], memory_limit: str | None, repeats: int
) -> dict[int, dict[str, list[Run]]]:
    """Build each length of history, then its next day `repeats` times."""
    histories = {}
    for days in lengths:
        print(f"{days} days of history", file=sys.stderr)
        histories[days] = History(lot, days, memory_limit)
    found: dict[int, dict[str, list[Run]]] = {
        days: {"full": [history.full], "increment": [], "nothing new": []}
        for days, history in histories.items()
    }
    for repeat in range(repeats):
        for days, history in histories.items():
            print(
                f"one day more after {days}, {repeat + 1} of {repeats}", file=sys.stderr
            )
            increment, nothing_new = history.continued()
            found[days]["increment"].append(increment)
            found[days]["nothing new"].append(nothing_new)
    for history in histories.values():
        shutil.rmtree(history.home)
    return found


def median_run(runs: Sequence[Run]) -> Run:
    """Return the run whose models took the median; of two in the middle the slower."""
    in_order = sorted(runs, key=lambda run: (run.models, run.wall_seconds))
    return in_order[len(runs) // 2]


def figures_of(runs: Sequence[Run]) -> dict[str, object]:
    """Return what is kept: the figures of the median, and the models' of each run."""
    every = [round(run.models, 2) for run in runs]
    return median_run(runs).figures() | {"model_seconds_of_each": every}


def table(measured: Mapping[int, Mapping[str, Sequence[Run]]]) -> str:
    """Return the figures as a Markdown table, lengths of history as rows."""
    shortest = median_run(measured[min(measured)]["increment"]).models
    rows = []
    for days, runs in measured.items():
        full, increment, nothing_new = map(median_run, runs.values())
        models = [run.models for run in runs["increment"]]
        rows.append(
            {
                "days of history": days,
                "full: models s": full.models,
                "increment: models s": increment.models,
                "from - to": f"{min(models):.2f} - {max(models):.2f}",
                "to the shortest": increment.models / shortest,
                "of the full build": f"{increment.models / full.models:.1%}",
                "data tests s": increment.data_tests,
                "audit s": increment.stage_seconds.get("auditing", 0.0),
                "publish s": increment.stage_seconds.get("publishing", 0.0),
                "all s": increment.wall_seconds,
                "nothing new s": nothing_new.wall_seconds,
            }
        )
    return markdown(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.increments", description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[30, 90, 180, 365])
    parser.add_argument("--messages-a-day", type=int, default=8_000)
    parser.add_argument("--malls", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory-limit", help="of DuckDB, as 3GB")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args(arguments)
    if asked.repeats < 1:
        parser.error("--repeats must be 1 or more")
    most = max(asked.days) + 5
    lot = Lot(asked.messages_a_day * most, asked.malls, most, asked.seed)
    try:
        print("inventing landings, unless they are there", file=sys.stderr)
        lot.make()
        found = measure(lot, sorted(asked.days), asked.memory_limit, asked.repeats)
    except BenchmarkError as error:
        print(f"benchmarks.increments: {error}", file=sys.stderr)
        return 1
    kept = {
        str(days): {name: figures_of(runs) for name, runs in of_days.items()}
        for days, of_days in found.items()
    }
    keep("increments", surroundings() | {"messages_a_day": asked.messages_a_day} | kept)
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
