"""`kefu restatements`: what closed figures would be now."""

import csv
import sys

import click

from kefu.console import say
from kefu.errors import EXIT_USAGE, KefuError
from kefu.settings import Settings

SHOWN = 40


@click.command()
@click.argument("period", metavar="[YYYY-MM]", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="All of them, as CSV.")
@click.option("--all", "everything", is_flag=True, help="Every line on the screen.")
def command(period: str | None, as_csv: bool, everything: bool) -> None:
    """Show what closed figures would be in the published version, and why.

    First those of shops and agents by day, which pay is reckoned from.
    """
    from kefu.closing import report  # noqa: PLC0415
    from kefu.closing.close import days_of  # noqa: PLC0415

    if period:
        days_of(period)
    if as_csv and everything:
        raise KefuError("--csv has all lines anyway: leave --all out", EXIT_USAGE)
    settings = Settings.from_env()
    if as_csv:
        names, rows = report.rows(settings.published, period)
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
        return
    for line in report.lines(settings.published, period, None if everything else SHOWN):
        say(line)
