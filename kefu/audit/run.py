"""One audit: measure the working database, judge it, keep what was found."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from kefu.audit.config import Config, nearest, read_config
from kefu.audit.data_docs import write_data_docs
from kefu.audit.engine import audit_database
from kefu.audit.expectations import Judge
from kefu.audit.landing_checks import CHECKS as LANDING_CHECKS
from kefu.audit.mart_checks import CHECKS as MART_CHECKS
from kefu.audit.measures import measure
from kefu.audit.report import AuditReport
from kefu.contract import read_contract
from kefu.errors import KefuError
from kefu.settings import DEMO_MARK, Settings

CHECKS = (*LANDING_CHECKS, *MART_CHECKS)
RESULTS = "audit"
DOCS = "data_docs"


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
        with _examined(settings, run_id, accepted, config, now) as (report, judge):
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
    check_accepted(accepted or {}, config)
    with _examined(settings, run_id, accepted or {}, config, now) as (report, _):
        return report


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


@contextmanager
def _examined(
    settings: Settings,
    run_id: str,
    accepted: Mapping[str, str],
    config: Config,
    now: dt.datetime | None,
) -> Iterator[tuple[AuditReport, Judge]]:
    if not settings.database.is_file():
        raise KefuError(
            f"there is no working database {settings.database} to audit: build it"
            " with `kefu run`"
        )
    moment = now or dt.datetime.now(dt.UTC)
    published = settings.published if settings.published.is_file() else None
    contract = read_contract(settings.root)
    try:
        with audit_database(settings.database, published) as database:
            measured = measure(database, contract, moment, config.least_history)
            judge = Judge(measured, config, run_id)
            try:
                outcomes = judge.judge(CHECKS)
                for outcome in outcomes:
                    if outcome.success is False:
                        outcome.accepted_reason = accepted.get(outcome.name)
                _excuse_demo(settings, outcomes)
                report = AuditReport(
                    run_id, moment.isoformat(timespec="seconds"), outcomes
                )
                yield report, judge
            finally:
                judge.close()
    except duckdb.Error as error:
        raise KefuError(
            f"the audit cannot read {settings.database.name} and"
            f" {settings.published.name} ({type(error).__name__}): end what has"
            " them open for writing; if nothing has, build again"
        ) from error


def _excuse_demo(settings: Settings, outcomes: list) -> None:
    """Take back that invented landings are old: they are of a fixed time."""
    if settings.raw_database is None and (settings.raw_root / DEMO_MARK).exists():
        for outcome in outcomes:
            if outcome.name == "nothing_new" and outcome.success is False:
                outcome.success, outcome.observed, outcome.keys = None, None, []
                outcome.not_judged = "landings but invented ones"
