"""One audit: measure the working database, judge it, keep what was found."""

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kefu.audit.config import Config, nearest, read_config
from kefu.audit.data_docs import write_data_docs
from kefu.audit.engine import audit_database
from kefu.audit.expectations import Judge
from kefu.audit.landing_checks import CHECKS as LANDING_CHECKS
from kefu.audit.mart_checks import CHECKS as MART_CHECKS
from kefu.audit.measured import Removed
from kefu.audit.measures import left_unjudged, measure, sources_not_judged
from kefu.audit.report import RESULTS, AuditReport
from kefu.contract import read_contract
from kefu.errors import KefuError
from kefu.faults import exhausted
from kefu.landing import Landing
from kefu.privacy_landings import removals
from kefu.raw_input import read_input
from kefu.run_record import as_recorded
from kefu.settings import DEMO_MARK, Settings
from kefu.versions import FILE, Versions, look_at

CHECKS = (*LANDING_CHECKS, *MART_CHECKS)
DOCS = "data_docs"


@dataclass(frozen=True)
class Past:
    """What was published: the id of its run and a file that holds it."""

    run_id: str
    file: Path
    built_by: str | None
    """When it was there for sure, UTC as records write it; None: not known."""
    landings: tuple[str, ...] = ()
    """The files that it was built from, as far as they are known."""


def run_audit(
    settings: Settings,
    run_id: str,
    accepted: Mapping[str, str],
    say: Callable[[str], None],
    now: dt.datetime | None = None,
) -> AuditReport:
    """Audit the working database against its past and the published version.

    `accepted` maps names of checks to the reason why their finding does not
    block this time. `now` is an aware time, by default the clock's. Nothing is
    changed but the results: JSON beside the working database, Data Docs beside
    the published file. Raises KefuError if the audit cannot be made; findings
    are no error but in the report.
    """
    config = read_config(settings.root, CHECKS)
    check_accepted(accepted, config)
    try:
        with _examined(settings, run_id, accepted, config, now, say) as found:
            report, judge = found
            report.keep(settings.database.parent / RESULTS)
            docs = settings.published.parent / DOCS
            write_data_docs(judge.context, report, docs)
            say(f"  results in {docs / 'index.html'}")
    except OSError as error:
        raise KefuError(
            f"the results of the audit cannot be written ({error.strerror}): free"
            " space, and make the folders of both databases writable"
        ) from error
    return report


def examine(
    settings: Settings,
    run_id: str,
    accepted: Mapping[str, str] | None = None,
    now: dt.datetime | None = None,
) -> AuditReport:
    """Audit as run_audit does, but write nothing: neither JSON nor Data Docs."""
    config = read_config(settings.root, CHECKS)
    accepted = accepted or {}
    check_accepted(accepted, config)
    with _examined(settings, run_id, accepted, config, now, lambda _: None) as found:
        return found[0]


def check_names(root: Path, accepted: Mapping[str, str]) -> None:
    """Raise KefuError for a bad audit.yml, or an accepted check there is not.

    Quick, so that a run can ask before it builds.
    """
    check_accepted(accepted, read_config(root, CHECKS))


def check_accepted(accepted: Mapping[str, str], config: Config) -> None:
    """Raise KefuError where a check is accepted that there is not."""
    for name in accepted:
        if name not in config.rules:
            raise KefuError(
                f"--accept names {name}, which is no check of the audit:"
                f" {nearest(name, config.rules)}"
            )


@contextlib.contextmanager
def _examined(
    settings: Settings,
    run_id: str,
    accepted: Mapping[str, str],
    config: Config,
    now: dt.datetime | None,
    say: Callable[[str], None],
) -> Iterator[tuple[AuditReport, Judge]]:
    if not settings.database.is_file():
        raise KefuError(
            f"there is no working database {settings.database} to audit: build it"
            " with `kefu run`"
        )
    moment = now or dt.datetime.now(dt.UTC)
    version = published_version(settings.published, say)
    is_unread = version is None and not _is_empty(settings.published)
    contract = read_contract(settings.root)
    try:
        with audit_database(
            settings.database, version.file if version else None
        ) as database:
            landing = landed(settings)
            least = config.least_history
            removed = removed_since(settings, version)
            measured = measure(database, contract, landing, moment, least, removed)
            judge = Judge(measured, config, run_id)
            try:
                outcomes = judge.judge(CHECKS)
                for outcome in outcomes:
                    if outcome.success is False:
                        outcome.accepted_reason = accepted.get(outcome.name)
                    elif outcome.name in accepted:
                        say(f"  --accept {outcome.name} was not needed")
                _excuse_demo(settings, outcomes)
                report = AuditReport(
                    run_id,
                    moment.isoformat(timespec="seconds"),
                    outcomes,
                    sources_not_judged(measured),
                    version.run_id if version else None,
                    left_unjudged(measured),
                    is_unread,
                    landings_gone(settings, landing, version),
                )
                yield report, judge
            finally:
                judge.close()
    except duckdb.Error as error:
        spent = exhausted(error)
        if spent:
            raise KefuError(f"the audit could not be finished: {spent}") from error
        compared = f" and the version {version.run_id}" if version else ""
        raise KefuError(
            f"the audit cannot read {settings.database.name}{compared}"
            f" ({type(error).__name__}): end what has them open for writing; if"
            " nothing has, build again"
        ) from error


def landed(settings: Settings) -> Landing | None:
    """Return the files that were read; None for a database, or if they are gone."""
    with contextlib.suppress(KefuError):
        return read_input(settings).landing
    return None


def published_version(published: Path, say: Callable[[str], None]) -> Past | None:
    """Return the version that is published, or the newest kept one that is whole.

    Its kept copy is looked at, not the published file: BI may hold that open,
    and whatever is wrong with it, a run is about to put another in its place.
    Where no version is kept any more, the published file stands in. None if
    there is neither, or the file cannot be read.
    """
    versions = Versions(published)
    whole, broken = versions.read()
    whole = [
        item for item in whole if item.publication["published_as"] == published.name
    ]
    current = versions.current_id()
    if current in broken:
        say(f"  warning: the version {current} is damaged: {broken[current]}")
    # Sorting keeps the others as they are, newest first.
    for version in sorted(whole, key=lambda item: item.run_id != current):
        try:
            version.check([FILE])
        except KefuError as error:
            say(f"  warning: {error}")
        else:
            built = version.record.finished_at or version.publication["published_at"]
            files = version.record.input.get("files") or []
            landings = tuple(file["name"] for file in files)
            return Past(version.run_id, version.file, built, landings)
    if _is_empty(published):
        return None
    lying = look_at(published)
    if lying.publication is None and (
        lying.is_open_for_writing or not lying.is_replaceable
    ):
        say(
            f"  warning: no whole version is kept, and {published.name} cannot be"
            " read: nothing published is compared with"
        )
        return None
    say(f"  warning: no whole version is kept: {published.name} itself is compared")
    told = lying.publication or {}
    published_at = told.get("published_at")
    built = as_recorded(published_at) if published_at else None
    return Past(told.get("run_id", "unknown"), published, built)


def landings_gone(
    settings: Settings, landing: Landing | None, version: Past | None
) -> list[str]:
    """Return the files that a version was built from and that nobody took back."""
    if landing is None or version is None:
        return []
    there = {file.name for file in landing.files}
    taken_back = {
        entry["file"]
        for entry in removals(settings.raw_root)
        if entry["kind"] == "file"
    }
    return sorted(set(version.landings) - there - taken_back)


def removed_since(settings: Settings, version: Past | None) -> list[Removed]:
    """Return what was taken out of the landings since a version was built."""
    if version is None or version.built_by is None or settings.raw_database:
        return []
    keys: Counter[tuple[str, str]] = Counter()
    for entry in removals(settings.raw_root):
        # What had been set aside before was in no version any more.
        if entry["at"] >= version.built_by and not entry.get("is_set_aside"):
            taken = entry.get("keys", entry.get("rows")) or 0
            keys[entry["table"], entry.get("mall_id") or ""] += taken
    return [Removed(source, mall, count) for (source, mall), count in keys.items()]


def _is_empty(published: Path) -> bool:
    """Tell whether nothing is published there."""
    return not published.exists() or published.stat().st_size == 0


def _excuse_demo(settings: Settings, outcomes: list) -> None:
    """Take back that invented landings are old: they are of a fixed time."""
    if settings.raw_database is None and (settings.raw_root / DEMO_MARK).exists():
        for outcome in outcomes:
            if outcome.name == "nothing_new" and outcome.success is False:
                outcome.success, outcome.observed, outcome.keys = None, None, []
                outcome.not_judged = "no landings but invented ones"
