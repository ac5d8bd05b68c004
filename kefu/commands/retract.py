"""`kefu retract`: take back what was landed by mistake."""

import click

from kefu.console import say
from kefu.settings import Settings


@click.command()
@click.argument("table")
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="All columns of the key, more to be narrower; nothing after = is null.",
)
@click.option(
    "--file",
    "name",
    help="A whole file instead: its path, in full or below the raw root.",
)
@click.option("--reason", required=True, help="Why; it is kept with the rows.")
@click.option("--dry-run", is_flag=True, help="Count the rows, change nothing.")
def command(
    table: str,
    conditions: tuple[str, ...],
    name: str | None,
    reason: str,
    dry_run: bool,
) -> None:
    """Move rows of TABLE, or a whole file of it, out of the landings.

    They are kept below <raw root>/_retracted, where no run reads them. A row
    with wrong values needs none of this: land it again, the newer one counts.
    See docs/privacy_and_corrections.md.
    """
    from kefu import privacy_requests as requests  # noqa: PLC0415
    from kefu.run_lock import folder_replaced, held  # noqa: PLC0415

    if bool(conditions) == bool(name):
        raise click.UsageError("give either --where or --file")
    values: dict[str, str | None] = {}
    for condition in conditions:
        column, separator, text = condition.partition("=")
        if not separator:
            raise click.UsageError(f"--where takes COLUMN=VALUE, not {column}")
        values[column.strip()] = text.strip() or None
    settings = Settings.from_env()
    requests.check_place(settings)
    with (
        held(settings.database, "removal"),
        folder_replaced(settings.raw_root),
    ):
        if name:
            found_file = requests.find_file(settings, table, name)
            if not dry_run:
                target = requests.retract_file(settings, found_file, reason)
                (file,) = found_file.files
                say(f"{file.name} lies in {target} now: use `kefu run` to build anew")
            return
        found = requests.find_rows(settings, table, values)
        say(f"{sum(item.rows for item in found):,} rows in {len(found)} files")
        for item in found:
            say(f"  {item.rows:,} of {item.rows_in_file:,} in {item.file.name}")
        if found and not dry_run:
            folder = requests.retract_rows(settings, found, reason)
            say(f"they lie in {folder} now: use `kefu run` to build anew")
