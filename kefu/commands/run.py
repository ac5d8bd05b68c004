"""`kefu run`: check, build, test, audit, publish."""

import datetime as dt
from typing import TYPE_CHECKING

import click

from kefu.commands.publish import with_copies
from kefu.console import say
from kefu.settings import Settings
from kefu.webhook import Teller, telling

if TYPE_CHECKING:
    from kefu.ledger import Span
    from kefu.pipeline import Published


@click.command()
@click.option("--target", help="dbt target; prod refuses the demo's key.")
@click.option("--vars", "variables", metavar="YAML", help="dbt variables.")
@click.option(
    "--full",
    "--full-refresh",
    "full_refresh",
    is_flag=True,
    help="Rebuild all from the landings.",
)
@click.option(
    "--from",
    "first",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Read the landings again from this load date on, and rebuild what they reach.",
)
@click.option(
    "--to",
    "last",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The same up to this load date.",
)
@click.option(
    "--no-tests",
    is_flag=True,
    help="Build without data tests; not published then.",
)
@click.option("--no-audit", is_flag=True, help="Leave out the audit; the same.")
@click.option(
    "--publish-untested",
    is_flag=True,
    help="With --no-tests or --no-audit: publish all the same.",
)
@click.option(
    "--accept",
    "accepted",
    metavar="CHECK",
    multiple=True,
    help="A check of the audit that may fail this time; with --reason each.",
)
@click.option(
    "--reason",
    "reasons",
    metavar="TEXT",
    multiple=True,
    help="Why, for the --accept before it; kept in the manifest.",
)
@click.option("--docs", is_flag=True, help="Then write the documentation site, too.")
@click.option("--wait", is_flag=True, help="Wait if another run is under way.")
@telling
@with_copies
def command(
    target: str | None,
    variables: str | None,
    full_refresh: bool,
    first: dt.datetime | None,
    last: dt.datetime | None,
    no_tests: bool,
    no_audit: bool,
    publish_untested: bool,
    accepted: tuple[str, ...],
    reasons: tuple[str, ...],
    docs: bool,
    wait: bool,
    settings: Settings,
    teller: Teller,
) -> "Published | None":
    """Check the input, build, test, audit, and publish if everything passed."""
    from kefu import pipeline  # noqa: PLC0415

    if publish_untested and not (no_tests or no_audit):
        raise click.UsageError(
            "--publish-untested has a meaning with --no-tests or --no-audit only"
        )
    if accepted and no_audit:
        raise click.UsageError("--accept has no meaning with --no-audit")
    options = pipeline.RunOptions(
        target=target,
        variables=variables,
        full_refresh=full_refresh,
        read_again=span(first, last),
        with_tests=not no_tests,
        with_audit=not no_audit,
        publish_untested=publish_untested,
        accepted=pair(accepted, reasons),
        wait=wait,
    )
    done = pipeline.run(settings, options, say, teller.long_wait)
    if docs:
        from kefu.docs_site import made_after_run  # noqa: PLC0415

        made_after_run(settings, say)
    return done


def span(first: dt.datetime | None, last: dt.datetime | None) -> "Span | None":
    """Return the load dates to read again; UsageError if there is none between."""
    from kefu.ledger import Span  # noqa: PLC0415

    if first is None and last is None:
        return None
    if first and last and last < first:
        raise click.UsageError("--to lies before --from")
    return Span(first and first.date(), last and last.date())


def pair(accepted: tuple[str, ...], reasons: tuple[str, ...]) -> dict[str, str]:
    """Return the reason of each accepted check; UsageError if one has none."""
    if len(accepted) != len(reasons):
        raise click.UsageError("each --accept CHECK needs one --reason TEXT")
    if len(set(accepted)) != len(accepted):
        raise click.UsageError("a check is accepted twice: give it one --reason")
    if not all(reason.strip() for reason in reasons):
        raise click.UsageError("a --reason is empty: say why the check may fail")
    return dict(zip(accepted, reasons, strict=True))
