"""`kefu dbt`: dbt with the project's profile and paths."""

import click

from kefu.settings import Settings


@click.command(
    "dbt",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Call dbt with the project's profile and paths; never publishes."""
    from kefu import dbt_runs  # noqa: PLC0415

    ctx.exit(dbt_runs.call(Settings.from_env(), list(arguments)))
