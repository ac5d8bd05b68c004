"""Processes measured from outside: wall time, CPU, memory, and when it was used."""

from __future__ import annotations

import bisect
import datetime as dt
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from benchmarks.reading import ROOT

CACHE = ROOT / "data" / "benchmarks"
RESULTS = Path(__file__).resolve().parent / "results"
BUYER_KEY = "a key for the benchmarks, of no data that is real"
SECONDS_BETWEEN_SAMPLES = 0.05


class BenchmarkError(Exception):
    """A step of a benchmark failed, or two sides differ: no figure is believed."""


@dataclass(frozen=True)
class Usage:
    """What one process and its children took."""

    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float
    output: str = field(repr=False)
    samples: tuple[tuple[float, float], ...] = field(repr=False)
    """Moments (seconds since 1970) and the CPU seconds of the process by then."""

    def cpu_until(self, moment: float) -> float:
        """Return the CPU seconds that the process had used at a moment."""
        index = bisect.bisect_left(self.samples, (moment, 0.0))
        if not self.samples or index == 0:
            return 0.0
        if index == len(self.samples):
            return self.samples[-1][1]
        (start, low), (end, high) = self.samples[index - 1 : index + 1]
        return low + (high - low) * (moment - start) / (end - start)

    def figures(self) -> dict[str, float]:
        """Return what is kept of it."""
        return {
            "wall_seconds": round(self.wall_seconds, 2),
            "cpu_seconds": round(self.cpu_seconds, 2),
            "peak_megabytes": round(self.peak_megabytes),
        }


def measured(command: list[str], environment: Mapping[str, str]) -> Usage:
    """Run a command in the project's folder; return what it took.

    Raises BenchmarkError with the end of what it printed if it fails. Peak
    memory is that of the largest single process.
    """
    log = CACHE / "last_command.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    samples: list[tuple[float, float]] = []
    ended = threading.Event()
    started = time.perf_counter()
    with log.open("wb") as errors, (CACHE / "last_command.out").open("w+b") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdout=output, stderr=errors
        )
        sampler = threading.Thread(target=_sample, args=(process.pid, samples, ended))
        sampler.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        sampler.join()
        output.seek(0)
        printed = output.read().decode(errors="replace")
    if process.returncode:
        told = (printed + log.read_text(encoding="utf-8", errors="replace"))[-2000:]
        raise BenchmarkError(f"{' '.join(command[1:4])} failed:\n{told}")
    # macOS gives bytes, Linux kilobytes.
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Usage(
        wall,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss / unit,
        printed,
        tuple(samples),
    )


def _sample(pid: int, samples: list, ended: threading.Event) -> None:
    """Note the CPU time of a process again and again; nothing without /proc."""
    ticks = os.sysconf("SC_CLK_TCK")
    while not ended.wait(SECONDS_BETWEEN_SAMPLES):
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return
        user, system = text.rsplit(")", 1)[1].split()[11:13]
        samples.append((time.time(), (int(user) + int(system)) / ticks))


def surroundings() -> dict[str, object]:
    """Return what a figure depends on besides the code, without any name."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "memory_gigabytes": round(pages * page / (1 << 30)),
        "python": ".".join(str(part) for part in sys.version_info[:3]),
    } | {name: version(name) for name in ("duckdb", "dbt-core", "dbt-duckdb")}


def keep(name: str, result: dict) -> None:
    """Append a result to results/<name>.json, a list of all runs."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    text = json.dumps([*known, result], indent=2, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def markdown(rows: list[dict[str, object]]) -> str:
    """Return rows of the same keys as a Markdown table."""
    heads = list(rows[0])
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1)]
    lines += [[_shown(row[head]) for head in heads] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
