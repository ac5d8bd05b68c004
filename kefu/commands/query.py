"""`kefu query`: ask the published file."""

import contextlib
import csv
import io
import re
import sys
from pathlib import Path

import click
import duckdb

from kefu.console import say, told_number
from kefu.errors import EXIT_USAGE, KefuError
from kefu.run_lock import holder_of
from kefu.settings import Settings

# What the drawn table says below its last line where it left columns out.
LEFT_OUT = re.compile(r"(\d+) columns? \((\d+) shown\)\s*$")
NO_ANSWER = "the question asks for nothing: give a select, or `show tables`"


@click.command()
@click.argument("sql")
@click.option("--csv", "as_csv", is_flag=True, help="All rows and columns as CSV.")
@click.option(
    "--working",
    is_flag=True,
    help="Ask the working database: rejected rows are in its schema staging.",
)
def command(sql: str, as_csv: bool, working: bool) -> None:
    """Ask the published file one question and print the answer.

    The file is opened for reading only: the tables are in the schema marts.
    """
    settings = Settings.from_env()
    asked = settings.database if working else settings.published
    if not asked.is_file():
        raise KefuError(f"there is no {asked} yet: build it with `kefu run`")
    try:
        with duckdb.connect(str(asked), read_only=True) as connection:
            # So that `show tables` shows them, and a mart is found by its name.
            with contextlib.suppress(duckdb.CatalogException):
                connection.execute("set schema = 'marts'")
            if not as_csv:
                relation = connection.sql(sql)
                if relation is None:
                    raise KefuError(NO_ANSWER, EXIT_USAGE)
                _draw(relation)
                return
            answer = connection.execute(sql)
            if answer is None:
                raise KefuError(NO_ANSWER, EXIT_USAGE)
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(column[0] for column in answer.description)
            while rows := answer.fetchmany(10_000):
                writer.writerows(rows)
    except duckdb.Error as error:
        raise KefuError(_told(error, asked, working)) from error


def _draw(relation: duckdb.DuckDBPyRelation) -> None:
    """Print an answer as a table, and say plainly which part of it is hidden."""
    with contextlib.redirect_stdout(io.StringIO()) as drawn:
        relation.show(max_width=160)
    say(drawn.getvalue().rstrip("\n"))
    if found := LEFT_OUT.search(drawn.getvalue()):
        columns, shown = map(int, found.groups())
        hidden = told_number(columns - shown, "column")
        are = "is" if columns - shown == 1 else "are"
        say(f"{hidden} of {columns} {are} hidden: --csv prints all")


def _told(error: Exception, asked: Path, working: bool) -> str:
    """Return what to say of a question that DuckDB does not answer."""
    # The place in the question is drawn on lines of its own.
    said = str(error).split("\nLINE ")[0]
    if isinstance(error, duckdb.IOException) and "lock" in said.lower():
        holder = holder_of(asked) or "another program"
        other = " or ask the published file, without --working," if working else ""
        return f"{asked} is in use by {holder}: wait for its end{other} and ask again"
    hint = ""
    if isinstance(error, duckdb.CatalogException) and "does not exist" in said:
        hint = '; `kefu query "show tables"` lists what there is'
    return f"the question cannot be answered: {said.strip()}{hint}"
