"""`kefu query`: ask the published file."""

import sys

import click

from kefu.errors import KefuError
from kefu.settings import Settings


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
