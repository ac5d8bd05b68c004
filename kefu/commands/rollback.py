"""`kefu rollback`: return to an earlier version."""

import click

from kefu.console import say
from kefu.settings import Settings


@click.command()
@click.argument("run_id", required=False)
def command(run_id: str | None) -> None:
    """Put a kept version in place of the published one.

    Without RUN_ID, the version that the current one took the place of. Readers
    follow as after a run; the next run publishes as ever.
    """
    from kefu.publish import roll_back  # noqa: PLC0415
    from kefu.versions import Versions  # noqa: PLC0415

    settings = Settings.from_env()
    before = Versions(settings.published).current_id()
    version = roll_back(settings.published, run_id, say)
    if version.run_id == before:
        say(f"{version.run_id} is already the current version: put in place anew")
        return
    say(f"{settings.published} is now the version {version.run_id}")
    say(f"  published first at {version.publication['published_at']}")
    say(f"  as-of end          {version.publication['as_of_end'] or '-'}")
    say(
        "  the next `kefu run` publishes a newer version again: mend or retract before"
        " it what was wrong"
    )
