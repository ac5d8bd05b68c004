"""`kefu run`: check, build, test, publish."""

import click

from kefu.console import say
from kefu.settings import Settings


@click.command()
@click.option("--target", help="dbt target; prod refuses the demo's key.")
@click.option("--vars", "variables", metavar="YAML", help="dbt variables.")
@click.option("--full-refresh", is_flag=True, help="Rebuild all from the landings.")
@click.option(
    "--no-tests",
    is_flag=True,
    help="Build without data tests; not published then.",
)
@click.option(
    "--publish-untested",
    is_flag=True,
    help="With --no-tests: publish all the same.",
)
def command(
    target: str | None,
    variables: str | None,
    full_refresh: bool,
    no_tests: bool,
    publish_untested: bool,
) -> None:
    """Check the input, build, test, and publish if everything passed."""
    from kefu import pipeline  # noqa: PLC0415

    if publish_untested and not no_tests:
        raise click.UsageError("--publish-untested has a meaning with --no-tests only")
    options = pipeline.RunOptions(
        target=target,
        variables=variables,
        full_refresh=full_refresh,
        with_tests=not no_tests,
        publish_untested=publish_untested,
    )
    pipeline.run(Settings.from_env(), options, say)
