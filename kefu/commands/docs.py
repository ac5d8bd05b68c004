"""`kefu docs`: the documentation site beside the published file."""

import click

from kefu.console import say
from kefu.settings import Settings


@click.command()
@click.option("--wait", is_flag=True, help="Wait if a run is under way.")
def command(wait: bool) -> None:
    """Write what every table and column means, and where it comes from.

    Pages for the browser that need no network, in docs_site beside the published
    file: dbt's documentation and the lineage of each column.
    """
    from kefu import docs_site  # noqa: PLC0415

    site = docs_site.make(Settings.from_env(), wait=wait)
    say(f"open {site / docs_site.INDEX} in a browser")
