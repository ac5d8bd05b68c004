"""`kefu lookup`: the conversation behind a buyer_key."""

import datetime as dt

import click

from kefu.console import say
from kefu.settings import Settings


@click.command()
@click.argument("buyer_key")
@click.option("--mall-id", help="The shop, if it is known: finds the buyer sooner.")
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Only this day's messages, and those up to their answers.",
)
@click.option("--reason", required=True, help="What for; it goes into the log.")
def command(
    buyer_key: str, mall_id: str | None, day: dt.datetime | None, reason: str
) -> None:
    """Show one buyer's conversation from the working database.

    For a lead who finds a late flag in a published table and asks what
    happened. Needs KEFU_BUYER_KEY and the working database. Who looked, when
    and what for is written to kefu-lookups.jsonl beside it, before anything
    is shown. See docs/privacy_and_corrections.md.
    """
    from kefu.lookup import Question, lines, look_up  # noqa: PLC0415

    question = Question(
        buyer_key=buyer_key.strip().lower(),
        mall_id=mall_id.strip() if mall_id else None,
        date=day.date() if day else None,
        reason=reason,
    )
    found = look_up(Settings.from_env(), question)
    for line in lines(found):
        say(line)
