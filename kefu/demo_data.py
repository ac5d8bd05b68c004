"""Demo data: invented shops in the raw contract's form.

Nothing here is real. The rows behave like the real thing, though: they come
late, twice, out of order and broken, and the shops differ from each other, so
that every table of the warehouse has something to show.
"""

from __future__ import annotations

import datetime as dt
import pathlib

import numpy as np

from kefu.demo import broken, chats, service, world
from kefu.demo import orders as order_module
from kefu.demo.landing import Files
from kefu.demo.tables import MESSAGE_SHARES, Tables
from kefu.errors import EXIT_USAGE, KefuError

TABLES = (
    "messages",
    "orders",
    "refunds",
    "complaints",
    "malls",
    "agents",
    "agent_shifts",
    "ratings",
    "quality_reviews",
    "excluded_buyers",
    "official_agent_kpi",
    "official_experience_score",
)
# The last complete day of the demo; a constant, so that no run depends on
# when it happens.
DEFAULT_END = dt.date(2026, 10, 31)

AFTER_SALE_SHARE = 0.45
ORDERS_PER_MESSAGE = 0.18


def generate(
    out_dir: pathlib.Path,
    malls: int,
    days: int,
    messages: int,
    seed: int,
    end: dt.date = DEFAULT_END,
) -> dict[str, int]:
    """Write all raw tables under out_dir and return the rows of each.

    malls: shops that chat (one of them, from four on, has no row in the table
    malls). days: local days up to and including `end`. messages: rows landed
    in the table messages, repeats and broken rows included, met to about two
    per cent from a thousand on (each kind of broken row comes at least once,
    however few are asked for). seed: any whole number from 0; the same
    arguments give the same files, byte for byte.

    Raises KefuError if a number is impossible or if out_dir already holds one
    of the tables: files of two makings would mix.
    """
    _check(out_dir, malls, days, messages, seed)
    rng = np.random.default_rng(seed)
    place = world.build(rng, malls, days, end)

    repeats = 1 + messages // 50_000
    wanted = max(0, messages - broken.count("messages", repeats))
    wanted = int(wanted / (1 + MESSAGE_SHARES.repeated))
    # A tenth more than needed: the surplus is left out, whole chats at a time.
    drawn = int(wanted / chats.MEAN_MESSAGES * 1.1) + 20
    buyers = np.maximum(
        3, (place.mall_weight * drawn * (1 - AFTER_SALE_SHARE) * 1.2)
    ).astype(np.int64)
    offset = 1_000 + np.cumsum(buyers) - buyers
    before = chats.inquiries(
        rng, place, round(drawn * (1 - AFTER_SALE_SHARE)), buyers, offset
    )
    orders = order_module.build(
        rng,
        place,
        before.mall,
        before.buyer,
        before.start,
        buyers,
        offset,
        round(messages * ORDERS_PER_MESSAGE),
    )
    after = chats.after_sale_chats(rng, place, orders, round(drawn * AFTER_SALE_SHARE))
    talks = chats.Chats.join(before, after)
    # In a short window few orders are old enough to be asked about.
    missing = max(0, drawn - len(talks))
    more = chats.inquiries(rng, place, missing, buyers, offset)
    talks = chats.Chats.join(talks, more)
    refunds = service.refunds(rng, place, orders, talks)
    refunded = service.stop_refunded_orders(orders, refunds)
    asked = np.full(len(orders), order_module.NEVER)
    known = refunds.order >= 0
    np.minimum.at(asked, refunds.order[known], refunds.time[known, 0])
    written = chats.messages(rng, place, talks, wanted)

    files = Files(out_dir, place)
    tables = Tables(files, rng, place, orders, repeats)
    tables.messages(talks, written)
    tables.order_versions(refunded, asked)
    tables.refunds(refunds)
    complaints = service.complaints(rng, place, talks)
    tables.complaints(complaints)
    ratings = service.ratings(rng, place, talks)
    tables.ratings(ratings)
    tables.quality_reviews(service.reviews(rng, place, talks))
    tables.excluded_buyers(service.excluded_buyers(rng, place, talks))
    tables.malls()
    tables.agents()
    tables.agent_shifts()
    tables.official_agent_kpi(talks, written, ratings)
    tables.official_experience_score(refunds, complaints)
    return {table: files.counts.get(table, 0) for table in TABLES}


def _check(
    out_dir: pathlib.Path, malls: int, days: int, messages: int, seed: int
) -> None:
    """Refuse numbers that no data can be made from, and an occupied folder."""
    for name, value, least, most in (
        ("malls", malls, 1, 5_000),
        ("days", days, 1, 3_650),
        ("messages", messages, 0, 100_000_000),
        ("seed", seed, 0, 2**63 - 1),
    ):
        if not least <= value <= most:
            raise KefuError(
                f"--{name} must lie between {least} and {most}, not {value}",
                EXIT_USAGE,
            )
    present = [table for table in TABLES if (out_dir / table).exists()]
    if present:
        raise KefuError(
            f"{out_dir} already holds raw data ({', '.join(present)}): choose"
            " another folder with --out",
            EXIT_USAGE,
        )
