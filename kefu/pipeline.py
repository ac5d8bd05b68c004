"""One run: check the input, build and test with dbt, publish if all passed."""

import difflib
import gc
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

from kefu import dbt_runs
from kefu.diagnosis import find_unreadable
from kefu.errors import EXIT_BUILD, EXIT_INPUT, EXIT_PUBLISH, KefuError, one_line
from kefu.faults import without_values
from kefu.raw_input import open_working_database, read_input, try_to_write
from kefu.run_lock import held
from kefu.settings import DEMO_MARK, Settings

SECONDS_BETWEEN_LINES = 5.0
DUCKDB_MAGIC = b"DUCK"
FAILED = ("error", "fail", "runtime error")


@dataclass(frozen=True)
class RunOptions:
    """What `kefu run` was asked to do."""

    target: str | None = None
    variables: str | None = None
    full_refresh: bool = False
    with_tests: bool = True
    publish_untested: bool = False


def run(settings: Settings, options: RunOptions, say: Callable[[str], None]) -> None:
    """Do one run and say on the way what happens.

    Raises KefuError, with the published file as it was, when the input cannot
    be read, a model or test fails, or publishing does.
    """
    started = time.monotonic()
    check_options(settings, options)
    preflight(settings, say)
    with held(settings.database, "run"):
        # From here on the working file is no finished build any more.
        _mark_file(settings.database).unlink(missing_ok=True)
        build(settings, options, say)
        if options.with_tests:
            mark_passed(settings.database)
        elif not options.publish_untested:
            say(
                "built without tests, so not published:"
                " run with them, or add --publish-untested"
            )
            return
        say("publishing")
        figures = publish_in_new_process(settings)
    say_summary(settings, figures, time.monotonic() - started, say)


def check_options(settings: Settings, options: RunOptions) -> None:
    """Raise KefuError for what dbt would refuse too, only seconds later."""
    if options.target == "prod" and settings.uses_demo_key:
        raise KefuError(
            "the target prod refuses the demo's key for buyer_key: set"
            " KEFU_BUYER_KEY to a secret of your own"
        )
    if options.variables is None:
        return
    try:
        parsed = yaml.safe_load(options.variables)
    except (yaml.YAMLError, ValueError) as error:
        # ValueError: a text in the form of a date that is none.
        raise KefuError(
            f"--vars cannot be read as YAML ({one_line(error, 200)}): write it as"
            " in --vars 'as_of_date: 2026-03-31'"
        ) from error
    if not isinstance(parsed, dict):
        raise KefuError(
            "--vars must be a YAML mapping, such as"
            " --vars 'as_of_date: 2026-03-31' or --vars '{score_min_peers: 3}'"
        )
    check_names_of_vars(settings, parsed)


def check_names_of_vars(settings: Settings, variables: dict) -> None:
    """Raise KefuError for a var that the project does not have.

    dbt ignores such a var, so that a misspelt one would publish figures by
    the rule that it was meant to replace.
    """
    project = yaml.safe_load(
        (settings.root / "dbt_project.yml").read_text(encoding="utf-8")
    )
    known = [str(name) for name in project.get("vars", {})]
    for name in variables:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise KefuError(f"--vars names {name}, which is no var here: {hint}")


def preflight(settings: Settings, say: Callable[[str], None]) -> None:
    """Check all that can be checked before dbt starts.

    Raises KefuError with one line about the first thing that is wrong.
    """
    source = settings.raw_database or settings.raw_root
    check_publishable(settings.published)
    say(f"reading {source}")
    raw = read_input(settings)
    for warning in raw.warnings:
        say(f"  warning: {warning}")
    if settings.uses_demo_key and not (settings.raw_root / DEMO_MARK).exists():
        say(
            "  warning: buyers are hashed with the demo's key, which everybody"
            " knows: set KEFU_BUYER_KEY"
        )
    open_working_database(str(settings.database))


def check_publishable(published: Path) -> None:
    """Raise KefuError if the published file could not be put in place."""
    folder = published.parent
    if published.is_dir():
        raise KefuError(
            f"KEFU_PUBLISHED names {published}, which is a folder: name a file in it"
        )
    if not is_replaceable(published):
        raise KefuError(
            f"KEFU_PUBLISHED names {published}, which exists and is no database that"
            " kefu published: move it away, or set KEFU_PUBLISHED to another path"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KefuError(
            f"the folder {folder} of the published file cannot be made"
            f" ({error.strerror}): set KEFU_PUBLISHED to a path you may write"
        ) from error
    try:
        try_to_write(folder)
    except OSError as error:
        raise KefuError(
            f"the folder {folder} of the published file is not writable"
            f" ({error.strerror}): set KEFU_PUBLISHED to a path you may write"
        ) from error


def is_replaceable(published: Path) -> bool:
    """Tell whether a publication may take the place of what is there now.

    True where there is nothing, an empty file, or a DuckDB file with a schema
    marts; a DuckDB file that another process is writing counts as one.
    """
    if not published.exists() or published.stat().st_size == 0:
        return True
    with published.open("rb") as file:
        if file.read(12)[8:] != DUCKDB_MAGIC:
            return False
    try:
        with duckdb.connect(str(published), read_only=True) as connection:
            found = connection.execute(
                "select 1 from duckdb_schemas()"
                " where schema_name = 'marts' and database_name = current_database()"
            ).fetchone()
    except duckdb.IOException as error:
        return "lock" in str(error).lower()
    except duckdb.Error:
        return False
    return found is not None


def build(settings: Settings, options: RunOptions, say: Callable[[str], None]) -> None:
    """Build and test everything with dbt in this process.

    Raises KefuError with the first model or test that failed.
    """
    # Imported here: dbt takes seconds to load, and a bad path should not.
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    from kefu.dbt_plugin import opened_by_dbt  # noqa: PLC0415

    say("building and testing" if options.with_tests else "building")
    progress = Progress(say)
    os.environ.update(dbt_runs.environment(settings))
    result = dbtRunner(callbacks=[progress]).invoke(_arguments(settings, options))
    progress.finish()
    _release_database()
    if not result.success:
        raise _failure(settings, result, say)
    if settings.database not in opened_by_dbt:
        raise KefuError(
            "the profile builds another database than KEFU_DATABASE"
            f" ({settings.database}): let its path read env_var('KEFU_DATABASE')",
            EXIT_BUILD,
        )


def _arguments(settings: Settings, options: RunOptions) -> list[str]:
    arguments = ["--quiet", "--log-level", "none", "--no-use-colors"]
    arguments += ["--log-level-file", "debug", "build"]
    arguments += ["--project-dir", str(settings.root)]
    arguments += ["--profiles-dir", os.environ["DBT_PROFILES_DIR"]]
    # Unit tests prove the code, not the data: `make test` runs them.
    arguments += ["--exclude-resource-type", "unit_test"]
    if not options.with_tests:
        arguments += ["--exclude-resource-type", "test"]
    if options.full_refresh:
        arguments += ["--full-refresh"]
    if options.target:
        arguments += ["--target", options.target]
    if options.variables:
        arguments += ["--vars", options.variables]
    return arguments


class Progress:
    """Turns dbt's events into a line every few seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Report through `say`."""
        self.say = say
        self.started = self.spoken = time.monotonic()
        self.total = 0
        self.done: Counter[str] = Counter()

    def __call__(self, event: object) -> None:
        """Take one event of dbt's; events of other kinds are passed over."""
        name = event.info.name
        if name == "LogStartLine":
            self.total = event.data.total
        elif name == "NodeFinished":
            self.done[event.data.node_info.resource_type] += 1
            if time.monotonic() - self.spoken >= SECONDS_BETWEEN_LINES:
                self.speak()

    def speak(self) -> None:
        """Say how far the build is."""
        self.spoken = time.monotonic()
        kinds = ("seed", "model", "test")
        counts = ", ".join(f"{self.done[kind]} {kind}s" for kind in kinds)
        share = f" of {self.total}" if self.total else ""
        finished = sum(self.done[kind] for kind in kinds)
        self.say(
            f"  {finished}{share} done ({counts}) after"
            f" {self.spoken - self.started:.0f} s"
        )

    def finish(self) -> None:
        """Say how the build ended, if it got as far as starting one."""
        if self.done:
            self.speak()


def _release_database() -> None:
    """Close dbt's connection, so that publishing can open the file."""
    from dbt.adapters.duckdb.connections import (  # noqa: PLC0415
        DuckDBConnectionManager,
    )

    DuckDBConnectionManager.close_all_connections()
    gc.collect()


def _failure(
    settings: Settings, result: object, say: Callable[[str], None]
) -> KefuError:
    """Return the error of the first failed node, or of dbt's own start.

    Where a node broke that reads the landings, they are read again, each file
    alone: dbt's message names no file, and only the header was read before.
    """
    log = dbt_runs.log_file(settings.root)
    results = getattr(result.result, "results", None) or []
    failed = [entry for entry in results if str(entry.status).lower() in FAILED]
    if not failed:
        return KefuError(
            f"{telling_line(result.exception)} (dbt did not start; more in {log})",
            EXIT_INPUT,
        )
    if any(_reads_landings(entry) for entry in failed):
        say("a model failed: looking for an input file that cannot be read")
        broken = find_unreadable(settings)
        if broken:
            return broken
    # A model that broke explains the tests that failed; hence before them.
    first = min(failed, key=lambda entry: str(entry.status).lower() == "fail")
    node = first.node
    more = f", and {len(failed) - 1} more failed" if len(failed) > 1 else ""
    query = ""
    if node.resource_type == "test" and getattr(node, "compiled_path", None):
        query = f"; its query is {node.compiled_path}"
    return KefuError(
        f"{node.resource_type} {node.name} failed: {telling_line(first.message)}"
        f"{more}; nothing was published (more in {log}{query})",
        EXIT_BUILD,
    )


def _reads_landings(entry: object) -> bool:
    """Whether a node that broke is a source's direct reader or in staging."""
    if str(entry.status).lower() == "fail":
        return False
    read = getattr(getattr(entry.node, "depends_on", None), "nodes", [])
    return "staging" in entry.node.fqn or any(
        name.startswith("source.") for name in read
    )


HEADINGS = re.compile(
    r"^((Database|Runtime|Compilation|Parsing|Dependency|Dbt \w+|Internal)"
    r" Error( in .*)?|Encountered an error:?)$"
)


def telling_line(message: object) -> str:
    """Return what a dbt message says, without headings and landed values."""
    lines = [line.strip() for line in str(message).splitlines()]
    told = [
        line
        for line in lines
        if line and not HEADINGS.match(line) and not line.startswith(">")
    ]
    # Values first: one may hold line ends, or be cut where a pattern ends.
    return one_line(without_values(" ".join(told)), 400)


def publish_in_new_process(settings: Settings) -> dict:
    """Publish the working database; return the figures for the summary.

    Raises KefuError with the published file as it was.
    """
    child = subprocess.run(
        [
            sys.executable,
            "-m",
            "kefu.publish",
            str(settings.database),
            str(settings.published),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode != 0:
        told = child.stderr.strip().splitlines()
        raise KefuError(told[-1] if told else "publishing failed", EXIT_PUBLISH)
    return json.loads(child.stdout)


def say_summary(
    settings: Settings, figures: dict, seconds: float, say: Callable[[str], None]
) -> None:
    """Say what was published and where."""
    say(f"published in {seconds:.0f} s")
    for name, value in figures.items():
        shown = f"{value:,}" if isinstance(value, int) else value or "-"
        say(f"  {name:<17} {shown}")
    say(f"  {'published file':<17} {settings.published}")


def _mark_file(database: Path) -> Path:
    return database.with_name(f"{database.name}.passed")


def mark_passed(database: Path) -> None:
    """Note that the working file, as it is now, passed all tests."""
    _mark_file(database).write_text(_stamp(database), encoding="utf-8")


def has_passed(database: Path) -> bool:
    """Return whether the working file is still the one that passed."""
    try:
        return _mark_file(database).read_text(encoding="utf-8") == _stamp(database)
    except OSError:
        return False


def _stamp(database: Path) -> str:
    stat = database.stat()
    return f"{stat.st_size} bytes, changed at {stat.st_mtime_ns} ns\n"
