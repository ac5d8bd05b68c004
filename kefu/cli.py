"""The command line `kefu`: its group; the commands lie in kefu/commands."""

import gc
import importlib
from typing import NoReturn

import click

from kefu import __version__, faults, stopping
from kefu.errors import EXIT_INPUT, EXIT_NOT_CONFIRMED, KefuError, one_line

# In the order in which `kefu --help` lists them: name, module, what it does.
COMMANDS = {
    "demo-data": ("demo_data", "Write invented landings."),
    "ingest": ("ingest", "Land files of the platform: exports, answers, chats."),
    "run": ("run", "Check the input, build, test and publish."),
    "check": ("check", "Audit the working database, as a run does."),
    "publish": ("publish", "Publish the working database of the last run."),
    "published": ("published", "List the published versions."),
    "rollback": ("rollback", "Return to an earlier version."),
    "report": ("report", "Write the day's page again, as one HTML file."),
    "docs": ("docs", "Write the documentation site: columns and their lineage."),
    "close": ("close", "Freeze the published figures of a month, for pay."),
    "closed": ("closed", "List the closed periods."),
    "restatements": ("restatements", "Show what closed figures would be now."),
    "forget": ("forget", "Remove one buyer's rows from the landings."),
    "retract": ("retract", "Take back what was landed by mistake."),
    "dashboard": ("dashboard", "Show the published file as pages in a browser."),
    "lookup": ("lookup", "Show the conversation behind a buyer_key, on record."),
    "query": ("query", "Ask the published file one question."),
    "dbt": ("dbt", "Call dbt with the project's profile and paths."),
}

# Objects made until Python looks for garbage, and looks until it looks at older ones.
# What dbt reads of a project stays: by default it is looked at again and again, 3 s of
# a small run's 25 (docs/performance.md).
GARBAGE_THRESHOLDS = (50_000, 30, 30)

EXIT_CODES = """
\b
Exit codes:
  0  done
  1  a question was not answered with yes: nothing was changed; or an error that
     nobody foresaw
  2  the command was called wrongly
  3  the input, a path or a setting is wrong, or the input changed during the
     run: nothing was published
  4  a model or a test failed: nothing was published
  5  publishing failed: the published file is as it was
  6  the audit found what must not be published: nothing was
  130, 143, 129  stopped by Ctrl-C, SIGTERM or the end of the terminal: what is
                 published is whole
  137  killed, by kill -9 or for want of memory: the same
"""


class Commands(click.Group):
    """A group that loads a command when it is called.

    The libraries behind some commands take seconds to import, which the
    others should not wait for. A KefuError is shown as one line and gives the
    exit code; so is what click finds wrong in a call.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options before the command."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            _refuse(ctx, error)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"kefu.commands.{COMMANDS[cmd_name][0]}")
        return module.command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        try:
            stopping.listen()
            return super().invoke(ctx)
        except KefuError as error:
            click.echo(f"kefu: {error}", err=True)
            ctx.exit(error.exit_code)
        except click.UsageError as error:
            _refuse(ctx, error)
        except click.Abort:
            click.echo(
                "kefu: not answered with yes, so nothing was changed: call it again, or"
                " give the answer as an option (see --help)",
                err=True,
            )
            ctx.exit(EXIT_NOT_CONFIRMED)
        except stopping.Stopped as stopped:
            click.echo(f"kefu: {stopped}", err=True)
            ctx.exit(stopped.exit_code)
        except OSError as error:
            refused = faults.refused_write(error)
            if not refused:
                raise
            click.echo(f"kefu: {refused}", err=True)
            ctx.exit(EXIT_INPUT)


def _refuse(ctx: click.Context, error: click.UsageError) -> NoReturn:
    """Say in one line what is wrong in a call, and end."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        raise error
    command = (error.ctx or ctx).command_path
    told = one_line(error.format_message()).removesuffix(".")
    click.echo(f"kefu: {told}: see `{command} --help`", err=True)
    ctx.exit(error.exit_code)


@click.group(cls=Commands, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="kefu")
def main() -> None:
    """Build and publish the customer service warehouse.

    KEFU_RAW_ROOT, KEFU_DATABASE, KEFU_PUBLISHED, KEFU_BUYER_KEY and
    KEFU_RAW_DATABASE say where things lie; the README explains them.
    """


if __name__ == "__main__":
    main()
