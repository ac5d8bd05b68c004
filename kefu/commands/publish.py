"""`kefu publish`: publish a finished build."""

import dataclasses
import functools
import time
from collections.abc import Callable

import click

from kefu.console import say
from kefu.errors import EXIT_PUBLISH, KefuError
from kefu.settings import Settings


def with_copies(function: Callable) -> Callable:
    """Give a command the options for further copies, and `settings` with them."""

    @click.option(
        "--parquet",
        is_flag=True,
        help="Also write the marts as Parquet files (or set KEFU_PARQUET=1).",
    )
    @click.option(
        "--marts-restricted",
        is_flag=True,
        help="Also publish a file without agents' names (KEFU_MARTS_RESTRICTED=1).",
    )
    @functools.wraps(function)
    def wrapped(*, parquet: bool, marts_restricted: bool, **options: object) -> object:
        settings = Settings.from_env()
        settings = dataclasses.replace(
            settings,
            with_parquet=parquet or settings.with_parquet,
            with_restricted=marts_restricted or settings.with_restricted,
        )
        return function(**options, settings=settings)

    return wrapped


@click.command()
@click.option(
    "--untested",
    is_flag=True,
    help="Publish a working database that no run of kefu has passed.",
)
@click.option("--wait", is_flag=True, help="Wait if a run is under way.")
@with_copies
def command(untested: bool, wait: bool, settings: Settings) -> None:
    """Publish the working database of the last run that passed."""
    from kefu import pipeline  # noqa: PLC0415
    from kefu.run_lock import held  # noqa: PLC0415

    started = time.monotonic()
    if not settings.database.is_file():
        raise KefuError(
            f"there is no working database {settings.database}: build it with"
            " `kefu run`",
            EXIT_PUBLISH,
        )
    with held(settings.database, "publishing", wait=wait, say=say) as lock:
        figures = pipeline.publish_built(settings, untested=untested, lock=lock)
    pipeline.say_summary(settings, figures, time.monotonic() - started, say)
