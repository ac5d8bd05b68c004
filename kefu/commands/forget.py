"""`kefu forget`: take one buyer's rows out of the landings."""

import click

from kefu.console import say, told_number
from kefu.errors import KefuError, one_line
from kefu.settings import Settings


@click.command()
@click.option("--mall-id", required=True, help="The shop that the request is for.")
@click.option(
    "--buyer-uid",
    help="The buyer; asked for if not given, so that no shell remembers it.",
)
@click.option("--every-mall", is_flag=True, help="Rows of the buyer in any shop.")
@click.option("--dry-run", is_flag=True, help="Count the rows, change nothing.")
@click.option(
    "--prune-versions",
    is_flag=True,
    help="After the next run: remove kept versions that still show the buyer.",
)
@click.option("--yes", is_flag=True, help="Do not ask before rows are removed.")
def command(
    mall_id: str,
    buyer_uid: str | None,
    every_mall: bool,
    dry_run: bool,
    prune_versions: bool,
    yes: bool,
) -> None:
    """Remove one buyer's rows from the landings, for good.

    The rows are gone then: they cannot be had back. Figures change with the
    next run, and kept versions show the buyer's rows under buyer_key until
    they are removed with --prune-versions. See docs/privacy_and_corrections.md.
    """
    from kefu import privacy_requests as requests  # noqa: PLC0415
    from kefu.run_lock import folder_replaced, held  # noqa: PLC0415

    settings = Settings.from_env()
    requests.check_place(settings)
    # The locks first: nobody is to be asked for what cannot be done now.
    with (
        held(settings.database, "removal"),
        folder_replaced(settings.raw_root),
    ):
        uid = buyer_uid
        if uid is None:
            uid = click.prompt("Buyer uid", hide_input=True)
        buyer = requests.Buyer(mall_id.strip(), uid.strip(), every_mall)
        if not (buyer.mall_id and buyer.buyer_uid):
            raise click.UsageError("--mall-id or --buyer-uid is empty")
        found = requests.find_buyer(settings, buyer)
        for table, rows in requests.counts(found).items():
            say(f"  {table:<17} {rows:,} rows")
        if not found:
            # After a removal and a run, a mall may have no other rows.
            is_asked_for_rows = not (every_mall or prune_versions)
            if is_asked_for_rows and not requests.has_mall(settings, buyer.mall_id):
                raise KefuError(
                    f"no landed row at all is of the mall {one_line(mall_id, 60)}, so"
                    " nothing was looked for: check --mall-id"
                )
            say("no landed row is the buyer's")
        if dry_run:
            return
        if found:
            if not yes:
                click.confirm("remove these rows for good?", abort=True)
            requests.forget(settings, buyer, found)
            say(
                f"removed from {told_number(len(found), 'file')}; the working database"
                " is removed too: use `kefu run` to build it anew"
            )
        shown = requests.still_shown(settings, buyer)
        pinned = {version.run_id: version.pins for version in shown if version.pins}
        if prune_versions:
            removed = requests.prune_versions(settings, shown)
            kept = told_number(len(removed), "kept version")
            say(f"removed {kept}: {', '.join(removed) or '-'}")
        elif shown:
            kept = told_number(len(shown), "kept version")
            say(
                f"{kept} may show rows of the buyer under buyer_key: after `kefu run`,"
                " call this again with --prune-versions"
            )
        for run_id, pins in pinned.items():
            done = "was" if prune_versions else "is"
            say(
                f"  of them {run_id} {done} kept for {', '.join(pins)}: figures that"
                " were closed have files of their own, hold no buyer, and stay"
            )
