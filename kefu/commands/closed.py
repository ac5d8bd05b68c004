"""`kefu closed`: the closings."""

import click

from kefu.console import say
from kefu.settings import Settings


@click.command()
def command() -> None:
    """List the closed periods, and whether their files are as they were."""
    from kefu.closing.store import Closings  # noqa: PLC0415

    closings = Closings(Settings.from_env().published)
    found = closings.read()
    in_force = {closing.name for closing in closings.in_force()}
    if not found:
        say("no period is closed")
    for closing in found:
        altered = closings.altered(closing)
        notes = [
            "in force" if closing.name in in_force else "revised since",
            *(f"in spite of: {override}" for override in closing.overrides),
            *([f"reason: {closing.reason}"] if closing.reason else []),
            *([f"ALTERED since: {', '.join(altered)}"] if altered else []),
        ]
        say(
            f"{closing.name:<11} {closing.closed_at} by {closing.decided_by},"
            f" run {closing.run_id}; {'; '.join(notes)}"
        )
