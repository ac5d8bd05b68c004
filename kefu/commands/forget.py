"""`kefu forget`: take one buyer's rows out of the landings."""

import click

from kefu.console import say
from kefu.settings import Settings


@click.command()
@click.option("--mall-id", required=True, help="The shop that the request is for.")
@click.option(
    "--buyer-uid",
    prompt=True,
    hide_input=True,
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
    buyer_uid: str,
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
    buyer = requests.Buyer(mall_id.strip(), buyer_uid.strip(), every_mall)
    requests.check_place(settings)
    with (
        held(settings.database, "removal"),
        folder_replaced(settings.raw_root),
    ):
        found = requests.find_buyer(settings, buyer)
        for table, rows in requests.counts(found).items():
            say(f"  {table:<17} {rows:,} rows")
        if not found:
            say("no landed row is the buyer's")
        if dry_run:
            return
        if found:
            if not yes:
                click.confirm("remove these rows for good?", abort=True)
            requests.forget(settings, buyer, found)
            say(
                f"removed from {len(found)} files; the working database is removed"
                " too: use `kefu run` to build it anew"
            )
        shown = requests.still_shown(settings, buyer)
        pinned = {version.run_id: version.pins for version in shown if version.pins}
        if prune_versions:
            removed = requests.prune_versions(settings, shown)
            say(f"removed {len(removed)} kept versions: {', '.join(removed) or '-'}")
        elif shown:
            say(
                f"{len(shown)} kept versions show rows of the buyer under buyer_key:"
                " after `kefu run`, call this again with --prune-versions"
            )
        for run_id, pins in pinned.items():
            done = "was" if prune_versions else "is"
            say(
                f"  of them {run_id} {done} kept for {', '.join(pins)}: figures that"
                " were closed have files of their own, hold no buyer, and stay"
            )
