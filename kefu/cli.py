"""The command line `kefu`."""

import shutil
import sys
import time
from pathlib import Path

import click

from kefu import __version__
from kefu.errors import EXIT_PUBLISH, KefuError
from kefu.settings import DEMO_MARK, Settings

EXIT_CODES = """
\b
Exit codes:
  0  done
  2  the command was called wrongly
  3  the input, a path or a setting is wrong: nothing was built
  4  a model or a test failed: nothing was published
  5  publishing failed: the published file is as it was
"""


class Commands(click.Group):
    """A group that shows a KefuError as one line and its exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KefuError as error:
            click.echo(f"kefu: {error}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=Commands, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="kefu")
def main() -> None:
    """Build and publish the customer service warehouse.

    KEFU_RAW_ROOT, KEFU_DATABASE, KEFU_PUBLISHED, KEFU_BUYER_KEY and
    KEFU_RAW_DATABASE say where things lie; the README explains them.
    """


def say(line: str) -> None:
    """Print one line at once, also into a pipe."""
    click.echo(line)
    sys.stdout.flush()


@main.command()
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
def run(
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


@main.command()
@click.option(
    "--untested",
    is_flag=True,
    help="Publish a working database that no run of kefu has passed.",
)
def publish(untested: bool) -> None:
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


@main.command()
@click.argument("sql")
@click.option("--csv", "as_csv", is_flag=True, help="All rows and columns as CSV.")
@click.option(
    "--working",
    is_flag=True,
    help="Ask the working database: rejected rows are in its schema staging.",
)
def query(sql: str, as_csv: bool, working: bool) -> None:
    """Ask the published file one question and print the answer.

    The file is opened for reading only: the tables are in the schema marts.
    """
    import csv  # noqa: PLC0415

    import duckdb  # noqa: PLC0415

    settings = Settings.from_env()
    asked = settings.database if working else settings.published
    if not asked.is_file():
        raise KefuError(f"there is no {asked} yet: build it with `kefu run`")
    try:
        with duckdb.connect(str(asked), read_only=True) as connection:
            if not as_csv:
                connection.sql(sql).show(max_width=160)
                return
            answer = connection.execute(sql)
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(column[0] for column in answer.description)
            while rows := answer.fetchmany(10_000):
                writer.writerows(rows)
    except duckdb.Error as error:
        raise KefuError(f"the question cannot be answered: {error}") from error


@main.command("demo-data")
@click.option("--malls", type=click.IntRange(1), default=24, show_default=True)
@click.option("--days", type=click.IntRange(1), default=45, show_default=True)
@click.option("--messages", type=click.IntRange(0), default=60_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to.  [default: KEFU_RAW_ROOT]",
)
def demo_data(
    malls: int, days: int, messages: int, seed: int, out: Path | None
) -> None:
    """Write invented landings; the same arguments give the same files.

    A folder that already holds something is only replaced if it is demo data.
    """
    from kefu import demo_data as generator  # noqa: PLC0415

    folder = (out or Settings.from_env().raw_root).resolve()
    started = time.monotonic()
    prepare_demo_folder(folder)
    counts = generator.generate(
        out_dir=folder, malls=malls, days=days, messages=messages, seed=seed
    )
    say(f"demo data in {folder} ({time.monotonic() - started:.1f} s), rows landed:")
    for table, rows in counts.items():
        say(f"  {table:<17} {rows:,}")


def prepare_demo_folder(folder: Path) -> None:
    """Empty a folder of earlier demo data, or make it.

    Raises KefuError if it holds anything that was not invented here.
    """
    mark = folder / DEMO_MARK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not mark.exists():
            raise KefuError(
                f"{folder} holds something that is no demo data: give another"
                " folder with --out"
            )
        for entry in folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        mark.write_text("Invented data, made by `kefu demo-data`.\n", encoding="utf-8")
    except OSError as error:
        raise KefuError(
            f"{folder} cannot be written ({error.strerror}): give another folder"
            " with --out"
        ) from error


@main.command(
    "dbt",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def dbt_command(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Call dbt with the project's profile and paths; never publishes."""
    from kefu import dbt_runs  # noqa: PLC0415

    ctx.exit(dbt_runs.call(Settings.from_env(), list(arguments)))


if __name__ == "__main__":
    main()
