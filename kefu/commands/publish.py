"""`kefu publish`: publish a finished build."""

import time

import click

from kefu.console import say
from kefu.errors import EXIT_PUBLISH, KefuError
from kefu.settings import Settings


@click.command()
@click.option(
    "--untested",
    is_flag=True,
    help="Publish a working database that no run of kefu has passed.",
)
def command(untested: bool) -> None:
    """Publish the working database of the last run that passed."""
    from kefu import pipeline  # noqa: PLC0415
    from kefu.run_lock import held  # noqa: PLC0415

    settings = Settings.from_env()
    started = time.monotonic()
    if not settings.database.is_file():
        raise KefuError(
            f"there is no working database {settings.database}: build it with"
            " `kefu run`",
            EXIT_PUBLISH,
        )
    with held(settings.database, "run"):
        if not untested and not pipeline.has_passed(settings.database):
            raise KefuError(
                f"{settings.database} did not pass a run, or was changed since:"
                " use `kefu run`, or publish it as it is with --untested",
                EXIT_PUBLISH,
            )
        figures = pipeline.publish_in_new_process(settings)
    pipeline.say_summary(settings, figures, time.monotonic() - started, say)
