"""`kefu check`: the audit alone, on the working database."""

import datetime as dt

import click

from kefu.commands.run import pair
from kefu.console import say
from kefu.errors import EXIT_AUDIT, KefuError
from kefu.settings import Settings


@click.command()
@click.option(
    "--accept",
    "accepted",
    metavar="CHECK",
    multiple=True,
    help="A check whose finding is known and shall not block; with --reason.",
)
@click.option(
    "--reason",
    "reasons",
    metavar="TEXT",
    multiple=True,
    help="Why, one for each --accept, in their order.",
)
def command(accepted: tuple[str, ...], reasons: tuple[str, ...]) -> None:
    """Audit the working database against its past and the published version.

    `kefu run` does this between building and publishing; here nothing is built
    and nothing published. audit.yml holds the thresholds, docs/audit.md tells
    what is looked at.
    """
    from kefu.audit import run_audit  # noqa: PLC0415
    from kefu.run_lock import held  # noqa: PLC0415

    known = pair(accepted, reasons)
    settings = Settings.from_env()
    if not settings.database.is_file():
        raise KefuError(
            f"there is no working database {settings.database} to check: build it"
            " with `kefu run`"
        )
    say(f"checking {settings.database}")
    run_id = f"check-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
    with held(settings.database, "check"):
        report = run_audit(settings, run_id, known, say)
    say(report.screen())
    if not report.passed:
        raise KefuError(
            f"the audit found what must not be published: {', '.join(report.blocking)}",
            EXIT_AUDIT,
        )
