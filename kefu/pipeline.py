"""One run: check the input, build and test with dbt, publish if all passed."""

import contextlib
import difflib
import gc
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import duckdb
import yaml

from kefu import dbt_runs
from kefu.closing.report import waiting
from kefu.contract import read_contract
from kefu.diagnosis import find_unreadable, from_outside
from kefu.errors import (
    EXIT_AUDIT,
    EXIT_BUILD,
    EXIT_INPUT,
    EXIT_PUBLISH,
    KefuError,
    one_line,
)
from kefu.faults import without_values
from kefu.files import remove
from kefu.known_headers import forget_headers
from kefu.landed_vars import FILE, read_vars
from kefu.landing import LandedFile, discover
from kefu.ledger import READ_AGAIN, Span
from kefu.meta_schema import watermark
from kefu.privacy_key import has_changed, refuse_weak_key
from kefu.publish import Request, check_places, renew_report
from kefu.raw_input import (
    RawInput,
    check_memory_limit,
    check_unchanged,
    make_working_folder,
    open_working_database,
    read_input,
    spilled,
    stamps_of,
    try_to_write,
)
from kefu.run_lock import LongWait, folder_read, held
from kefu.run_record import (
    BROKEN,
    BUILDING,
    BUILT,
    NOTHING,
    RunRecord,
    begin,
    hash_of_stamps,
    note,
    note_file,
    noted,
    now,
    of_unknown_build,
    project_vars,
    rules,
)
from kefu.settings import DEMO_MARK, Settings
from kefu.versions import REPORT, Versions

SECONDS_BETWEEN_LINES = 5.0
FAILED = ("error", "fail", "runtime error")
DBT_PLACES = ("DBT_TARGET_PATH", "DBT_LOG_PATH", "DBT_PROFILES_DIR", "DBT_TARGET")
TEST_STATUSES = {"pass": "passed", "warn": "warned", "skipped": "skipped"}


@dataclass(frozen=True)
class RunOptions:
    """What `kefu run` was asked to do."""

    target: str | None = None
    variables: str | None = None
    full_refresh: bool = False
    read_again: Span | None = None
    """Load dates whose landings are read again, though they were before."""
    with_tests: bool = True
    with_audit: bool = True
    publish_untested: bool = False
    accepted: dict[str, str] = field(default_factory=dict)
    """Checks of the audit that may fail this time, and why."""
    wait: bool = False


@dataclass(frozen=True)
class Published:
    """What a run published: its record, the figures of the summary, its seconds."""

    record: RunRecord
    figures: dict
    seconds: float


def run(
    settings: Settings,
    options: RunOptions,
    say: Callable[[str], None],
    waits: LongWait | None = None,
) -> Published | None:
    """Do one run and say on the way what happens; return what it published.

    None if nothing was: with nothing new, or without tests or audit. Raises
    KefuError, with the published file as it was, when the input cannot be read, a
    model, a test or the audit fails, or publishing does.
    """
    started = time.monotonic()
    given = check_options(settings, options)
    check_publishable(settings)
    make_working_folder(settings.database)
    # The input is frozen under the locks: not before a wait, and not while
    # demo data are being written.
    with (
        held(settings.database, "run", wait=options.wait, say=say, long=waits) as lock,
        folder_read(settings.raw_root),
    ):
        stands = nothing_new(settings, options, landed_vars(settings) | given)
        if stands:
            say(f"nothing new since run {stands}: what it published stands")
            mend_report(settings, say)
            return None
        # Before the input: what another run publishes from here on is newer.
        follows = Versions(settings.published).current_id() or NOTHING
        if options.full_refresh:
            forget_headers(settings.database)
        raw = preflight(settings, say)
        if options.read_again and raw.landing:
            check_span(options.read_again, raw.landing.files)
        # After the input: what turns a var on lies there before what needs it.
        landed = landed_vars(settings)
        variables = landed | given
        if landed:
            options = replace(options, variables=json.dumps(variables, default=str))
        if has_changed(settings) and not options.full_refresh:
            say("KEFU_BUYER_KEY is not the one of the last build: rebuilding all")
            options = replace(options, full_refresh=True)
        record = begin(
            settings,
            raw,
            target=dbt_runs.target_in_use(settings.root, options.target),
            variables=variables,
            is_full_refresh=options.full_refresh,
            follows=follows,
        )
        record.warnings.extend(raw.warnings)
        # From here on the working file is no finished build any more.
        note(settings.database, BUILDING, record)
        build(settings, options, record, say)
        warn_of_early_end(settings, record, say)
        check_unchanged(settings)
        note(settings.database, BUILT, record)
        audit(settings, options, record, say)
        # The audit has read the landings too.
        check_unchanged(settings)
        record.finished_at = now()
        note(settings.database, BUILT, record)
        if not (record.has_passed or options.publish_untested):
            if options.with_tests and options.with_audit:
                raise KefuError(
                    "not one data test ran, so nothing was published: bring back the"
                    " project's tests, or publish by name with --no-tests"
                    " --publish-untested",
                    EXIT_BUILD,
                )
            left_out = " and ".join(
                name
                for name, was_run in (
                    ("tests", options.with_tests),
                    ("audit", options.with_audit),
                )
                if not was_run
            )
            say(
                f"built without {left_out}, so not published:"
                " run with them, or add --publish-untested"
            )
            return None
        say("publishing")
        figures = publish_in_new_process(settings, record, lock)
    done = Published(record, figures, time.monotonic() - started)
    say_summary(settings, figures, done.seconds, say)
    return done


def check_span(span: Span, files: Iterable[LandedFile]) -> None:
    """Raise KefuError if no landed file is of the load dates to read again."""
    if not any(span.holds(file.name) for file in files):
        raise KefuError(
            f"no landing has a load date from {span.first or 'the beginning'} to"
            f" {span.last or 'the end'}, so there is nothing to read again: look at"
            " --from and --to",
            EXIT_INPUT,
        )


def mend_report(settings: Settings, say: Callable[[str], None]) -> None:
    """Put the report back in place if it is gone, as after a kill in between."""
    try:
        trouble = renew_report(settings.published)
    except (KefuError, OSError) as error:
        trouble = one_line(error, 200)
    if trouble:
        say(f"  warning: {REPORT} is not there ({trouble})")


def nothing_new(
    settings: Settings, options: RunOptions, variables: dict | None
) -> str | None:
    """Return the id of the published run that this one would only repeat.

    None if there is none such: if a landing, the project, a seed, a var, a
    version or the key is another one, if the working or the published file is
    not that run's, or if something was asked for by name.
    """
    known = noted(settings.database)
    if (
        options.full_refresh
        or options.read_again
        or options.accepted
        or known is None
        or known.state != BUILT
        or not known.is_unchanged
        or not known.record.has_passed
    ):
        return None
    last = known.record
    versions = Versions(settings.published)
    if versions.current_id() != last.run_id or not settings.published.exists():
        return None
    if waiting(settings.published, None):
        # A month was closed since: this run compares it.
        return None
    wanted = (
        (settings.with_restricted, versions.restricted),
        (settings.with_parquet, versions.parquet),
    )
    if any(is_wanted and not path.exists() for is_wanted, path in wanted):
        return None
    target = dbt_runs.target_in_use(settings.root, options.target)
    now_decides = rules(settings, target, variables)
    if any(getattr(last, name) != value for name, value in now_decides.items()):
        return None
    return last.run_id if last.input.get("stamps_hash") == seen(settings) else None


def seen(settings: Settings) -> str:
    """Return the hash of the stamps of all that is landed; see describe_input."""
    if settings.raw_database:
        stamps = stamps_of(settings.raw_database)
        return hash_of_stamps({settings.raw_database.name: stamps})
    files, _ = discover(settings.raw_root, read_contract(settings.root))
    return hash_of_stamps({file.name: file.stamp for file in files})


def check_options(settings: Settings, options: RunOptions) -> dict:
    """Return the vars that were given, none if none were.

    Raises KefuError for what dbt would refuse too, only seconds later.
    """
    if dbt_runs.target_in_use(settings.root, options.target) == "prod":
        refuse_weak_key(settings)
    if options.with_audit:
        from kefu.audit import check_names  # noqa: PLC0415

        check_names(settings.root, options.accepted)
    if options.variables is None:
        return {}
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
    return parsed


def landed_vars(settings: Settings) -> dict:
    """Return the vars that lie beside the landings, if landings are read."""
    if settings.raw_database:
        return {}
    found = read_vars(settings.raw_root)
    check_names_of_vars(settings, found, FILE)
    return found


def check_names_of_vars(
    settings: Settings, variables: dict, where: str = "--vars"
) -> None:
    """Raise KefuError for a var that the project does not have.

    dbt ignores such a var, so that a misspelt one would publish figures by
    the rule that it was meant to replace.
    """
    known = [str(name) for name in project_vars(settings.root)]
    for name in variables:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise KefuError(f"{where} names {name}, which is no var here: {hint}")


def preflight(settings: Settings, say: Callable[[str], None]) -> RawInput:
    """Check all that can be checked before dbt starts; return the input.

    Raises KefuError with one line about the first thing that is wrong.
    """
    source = settings.raw_database or settings.raw_root
    check_memory_limit(os.environ.get("KEFU_MEMORY_LIMIT") or None)
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
    for left in spilled(settings.database):
        with contextlib.suppress(OSError):
            remove(left)
    return raw


def check_publishable(settings: Settings) -> None:
    """Raise KefuError if the published file could not be put in place."""
    published = settings.published
    folder = published.parent
    if published.is_dir():
        raise KefuError(
            f"KEFU_PUBLISHED names {published}, which is a folder: name a file in it"
        )
    check_places(Versions(published), settings.with_parquet, settings.with_restricted)
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


def build(
    settings: Settings,
    options: RunOptions,
    record: RunRecord,
    say: Callable[[str], None],
) -> None:
    """Build and test everything with dbt in this process.

    What the tests found goes into the record. Raises KefuError with the first
    model or test that failed.
    """
    # Imported here: dbt takes seconds to load, and a bad path should not.
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    from kefu.dbt_plugin import ACCEPTED, opened_by_dbt  # noqa: PLC0415

    say("building and testing" if options.with_tests else "building")
    progress = Progress(say)
    leave_dbt_alone()
    os.environ.update(dbt_runs.environment(settings))
    os.environ[READ_AGAIN] = str(options.read_again or "")
    os.environ[ACCEPTED] = ",".join(options.accepted)
    # A log that cannot be written is no reason to fill the screen.
    logging.raiseExceptions = False
    result = dbtRunner(callbacks=[progress]).invoke(_arguments(settings, options))
    progress.finish()
    _release_database()
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception
    results = getattr(result.result, "results", None) or []
    if options.with_tests:
        record.tests = _count_tests(results)
    if not result.success:
        is_whole = bool(results) and all(
            entry.status == "success"
            for entry in results
            if entry.node.resource_type != "test"
        )
        note(settings.database, BUILT if is_whole else BROKEN, record)
        raise _failure(settings, result, say)
    if settings.database not in opened_by_dbt:
        raise KefuError(
            "the profile builds another database than KEFU_DATABASE"
            f" ({settings.database}): let its path read env_var('KEFU_DATABASE')",
            EXIT_BUILD,
        )


def leave_dbt_alone() -> None:
    """Forget what the shell tells dbt, save for where things lie.

    DBT_EMPTY, DBT_RESOURCE_TYPES and their like would make a run that leaves
    out rows or tests and looks like any other.
    """
    for name in list(os.environ):
        if name.startswith("DBT_") and name not in DBT_PLACES:
            del os.environ[name]


def warn_of_early_end(
    settings: Settings, record: RunRecord, say: Callable[[str], None]
) -> None:
    """Say so if the data end before the day that figures were asked for."""
    asked = record.vars.get("as_of_date")
    if not asked:
        return
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        end = watermark(connection)["as_of_end"]
    if end and str(asked) > end:
        record.warnings.append(
            f"as_of_date is {asked}, but the data end before: everything is computed"
            f" as of {end}"
        )
        say(f"  warning: {record.warnings[-1]}")


def _arguments(settings: Settings, options: RunOptions) -> list[str]:
    arguments = ["--quiet", "--log-level", "none", "--no-use-colors"]
    arguments += ["--log-level-file", "debug", "build"]
    arguments += ["--project-dir", str(settings.root)]
    arguments += ["--profiles-dir", os.environ["DBT_PROFILES_DIR"]]
    # Unit tests prove the code, not the data: `make test` runs them. Exposures have
    # nothing to do, and would be counted among what is yet to be done.
    for kind in ("unit_test", "exposure"):
        arguments += ["--exclude-resource-type", kind]
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
        elif name == "JinjaLogInfo":
            self.say(f"  {event.data.msg}")
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
    outside = from_outside(settings, failed, result.exception)
    if outside:
        return outside
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


def _count_tests(results: list) -> dict[str, object]:
    """Return how many tests passed, warned, failed and were skipped.

    The names of those that warned come along: they were published.
    """
    statuses = {
        entry.node.name: str(entry.status).lower()
        for entry in results
        if entry.node.resource_type == "test"
    }
    found = Counter(TEST_STATUSES.get(status, "failed") for status in statuses.values())
    return {name: found[name] for name in ("passed", "warned", "failed", "skipped")} | {
        "warnings": sorted(
            name for name, status in statuses.items() if status == "warn"
        )
    }


def audit(
    settings: Settings,
    options: RunOptions,
    record: RunRecord,
    say: Callable[[str], None],
) -> None:
    """Check what was built against what it used to be; into the record.

    Raises KefuError if something is found that blocks and was not accepted.
    """
    if not options.with_audit:
        return
    # Imported here: the library behind it takes many seconds to load.
    from kefu.audit import run_audit  # noqa: PLC0415

    say("auditing")
    report = run_audit(settings, record.run_id, options.accepted, say)
    record.audit = report.as_dict()
    failed = {check["name"] for check in report.checks if check["success"] is False}
    record.accepted = [
        {"check": check, "reason": reason}
        for check, reason in options.accepted.items()
        if check in failed
    ]
    say(report.screen())
    if not report.passed:
        note(settings.database, BUILT, record)
        blocking = [
            check["name"]
            for check in report.checks
            if check["success"] is False
            and check["severity"] == "blocking"
            and check["accepted_reason"] is None
        ]
        raise KefuError(
            f"the audit found what must not be published: {', '.join(blocking)};"
            " nothing was published (see above, and `kefu check`; for a known"
            " exception --accept CHECK --reason TEXT)",
            EXIT_AUDIT,
        )


def publish_built(settings: Settings, *, untested: bool, lock: int) -> dict:
    """Publish what was built before; return the figures for the summary.

    Raises KefuError if it did not pass, unless `untested`, and always if it
    holds tables of two runs.
    """
    found = noted(settings.database)
    if found and found.state != BUILT:
        raise KefuError(
            f"the last run did not finish building {settings.database}, so its tables"
            " may be of two runs: use `kefu run`; if dbt alone has built it since,"
            f" remove {note_file(settings.database)}",
            EXIT_PUBLISH,
        )
    is_known = found is not None and found.is_unchanged
    if not untested and not (is_known and found.record.has_passed):
        raise KefuError(
            f"{settings.database} did not pass a run, or was changed since:"
            " use `kefu run`, or publish it as it is with --untested",
            EXIT_PUBLISH,
        )
    record = found.record if is_known else of_unknown_build()
    return publish_in_new_process(settings, record, lock)


def publish_in_new_process(settings: Settings, record: RunRecord, lock: int) -> dict:
    """Publish the working database; return the figures for the summary.

    The new process holds the `lock` too, the descriptor of its file. Raises
    KefuError with the published file as it was.
    """
    request = Request(
        database=settings.database,
        published=settings.published,
        record=record,
        kept_versions=settings.kept_versions,
        with_parquet=settings.with_parquet,
        with_restricted=settings.with_restricted,
    )
    child = subprocess.run(
        [sys.executable, "-m", "kefu.publish"],
        input=request.as_json(),
        pass_fds=(lock,),
        # Ctrl-C in a terminal is for us alone: it shall not clear up meanwhile.
        start_new_session=True,
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
