"""`kefu report`: the day's page as one HTML file."""

from pathlib import Path

import click

from kefu.console import say
from kefu.errors import EXIT_PUBLISH, KefuError
from kefu.settings import Settings


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to this file instead, and leave the published one alone.",
)
def command(out: Path | None) -> None:
    """Write the report of the published version again.

    Each publication puts report.html beside the published file: one page in
    Chinese and English that needs no network, for mail or chat.
    """
    from kefu.publish import renew_report  # noqa: PLC0415
    from kefu.versions import Versions  # noqa: PLC0415

    settings = Settings.from_env()
    versions = Versions(settings.published)
    if not settings.published.is_file():
        raise KefuError(
            f"nothing is published as {settings.published}: use `kefu run`",
            EXIT_PUBLISH,
        )
    if out is None:
        trouble = renew_report(settings.published, anew=True)
        if trouble:
            raise KefuError(
                f"{versions.report} could not be written: {trouble}", EXIT_PUBLISH
            )
        say(f"{versions.report} is the report of the version {versions.current_id()}")
        return
    from kefu.files import replaced_by  # noqa: PLC0415
    from kefu.report.page import render  # noqa: PLC0415

    text = render(settings.published, with_names=not versions.restricted.exists())
    try:
        replaced_by(out, text)
    except OSError as error:
        raise KefuError(f"{out} cannot be written ({error.strerror})") from error
    say(f"{out} is the report of the version {versions.current_id()}")
