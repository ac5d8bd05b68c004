"""`kefu close`: freeze a period's published figures."""

import getpass

import click

from kefu.console import say
from kefu.settings import Settings


@click.command()
@click.argument("period", metavar="YYYY-MM")
@click.option("--by", "decided_by", help="Who decided it.  [default: this user]")
@click.option(
    "--not-final",
    is_flag=True,
    help="Close although late conversions, refunds or replies can still count.",
)
@click.option(
    "--untested",
    is_flag=True,
    help="Close a version that did not pass all tests and the audit.",
)
@click.option(
    "--incomplete",
    is_flag=True,
    help="Close although rows of some mall and source are missing.",
)
@click.option(
    "--revise",
    "reason",
    metavar="REASON",
    help="Close a closed period once more, beside the first closing.",
)
def command(
    period: str,
    decided_by: str | None,
    not_final: bool,
    untested: bool,
    incomplete: bool,
    reason: str | None,
) -> None:
    """Freeze the published figures of a month, for pay.

    What was closed is never changed. Later runs go on computing, and `kefu
    restatements` tells what would be another figure now, and why.
    """
    from kefu.closing.close import Decision, close  # noqa: PLC0415
    from kefu.closing.store import INPUT_DAYS  # noqa: PLC0415

    decision = Decision(
        period=period,
        decided_by=decided_by or getpass.getuser(),
        in_spite_of_not_final=not_final,
        in_spite_of_untested=untested,
        in_spite_of_incomplete=incomplete,
        revision_reason=reason,
    )
    closing = close(Settings.from_env(), decision)
    say(f"closed {closing.name}, as published by run {closing.run_id}")
    for name, kept in closing.tables.items():
        if name != INPUT_DAYS:
            say(f"  {name:<29} {kept['rows']:,} rows")
    if closing.overrides:
        say(f"  in spite of: {', '.join(closing.overrides)}")
    if closing.data_begin:
        say(f"  warning: the data begin with {closing.data_begin}")
    if closing.unjudged_days:
        say(
            f"  {closing.unjudged_days:,} of {closing.days_of_data:,} days of a mall"
            " and source could not be judged: too few rows to tell whether all came"
        )
    if closing.incomplete_days:
        say(
            f"  warning: {closing.incomplete_days:,} days of a mall and source are"
            " incomplete: see marts.data_completeness"
        )
    say(
        f"the next `kefu run` compares it; then `kefu restatements {closing.period}`"
        " shows what would have been another figure"
    )
