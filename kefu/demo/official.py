"""What the platform says of the demo's shops: its report and its score page.

Counted here from the same chats, orders and ratings, the simple way in which a
back end counts, and with the habits that make the figures of real shops differ:
another definition, an export that came too early, accounts that the roster does
not know. Nothing is drawn, so no other table of the demo depends on it.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from statistics import fmean

import numpy as np

from kefu.demo import texts
from kefu.demo.chats import MALL_CS, NO_TEMPLATE, USER, Chats, Messages
from kefu.demo.orders import CONFIRMED, NEVER, PAID, Orders
from kefu.demo.service import Complaints, Ratings, Refunds
from kefu.demo.world import DAY, HOUR, MODULES, REGULAR, SECOND, World

SHOPS = 6
REPORT_DAYS = 7
# Some figures are final three days after the last one of the report.
FINAL_AFTER = 3
SILENT_TYPES = (24, 31, 1002)
NO_ANSWER = np.int64(1) << 60
MODULE_NAMES = {
    "goods": "商品服务",
    "shipping": "发货服务",
    "logistics": "物流服务",
    "basic_service": "基础服务",
    "attitude": "服务态度",
}
PROBLEM_NAMES = {
    "quality_defect": "商品质量问题",
    "damaged": "商品破损或污渍",
    "wrong_item": "发错货",
    "not_shipped_in_time": "未按约定时间发货",
}
COUNTED = (
    *("consult_buyers", "inquiry_buyers", "inquiry_lost_buyers"),
    *("final_group_buyers", "need_human_buyers", "received_buyers"),
    *("late_buyers_3min", "rating_count", "low_rating_count"),
)


@dataclasses.dataclass
class Asked:
    """Buyers' messages of a shop that ask for an answer; arrays of one shape."""

    buyer: np.ndarray
    day: np.ndarray
    hour: np.ndarray
    agent: np.ndarray  # who answered, else who was to; -1 nobody
    waited: np.ndarray  # ms, NO_ANSWER if nobody answered
    opens: np.ndarray  # whether the buyer had not written just before


@dataclasses.dataclass
class Shop:
    """What happened in one shop in the days of a report."""

    asked: Asked
    written: set[tuple[int, int, int]]  # (agent, buyer, day)
    spoken: set[tuple[int, int]]  # (buyer, day)
    after_sale: set[tuple[int, int]]
    sales: list[tuple[int, int, int, int]]  # agent, buyer, day, cents
    ratings: list[tuple[int, int]]  # agent, score


def shops_of(world: World) -> list[int]:
    """Which shops export what the platform shows."""
    regular = np.flatnonzero(world.mall_kind == REGULAR)
    return (regular if len(regular) else np.arange(1))[:SHOPS].tolist()


def report_plan(world: World) -> list[tuple[int, int, int, int]]:
    """Which shop's report covers which days, and with which load it came.

    The last of the shops exports on the day after the report's last one, before
    all figures are final.
    """
    shops = shops_of(world)
    last = max(0, world.days - 1 - REPORT_DAYS)
    plan = []
    for place, mall in enumerate(shops):
        is_early = len(shops) > 1 and place == len(shops) - 1
        end = world.days - 1 if is_early else last
        load = end if is_early else min(end + FINAL_AFTER, world.days - 1)
        plan.append((mall, max(0, end - REPORT_DAYS + 1), end, load))
    return plan


def shop_of(
    world: World,
    mall: int,
    first: int,
    last: int,
    chats: Chats,
    messages: Messages,
    orders: Orders,
    ratings: Ratings,
) -> Shop:
    """Gather what a report of a shop's days first to last is about."""
    begin, end = world.start + first * DAY, world.start + (last + 1) * DAY
    rows = np.flatnonzero(
        (chats.mall[messages.chat] == mall)
        & (messages.at >= begin)
        & (messages.at < end + DAY)
    )
    some = messages.take(rows)
    buyer = chats.buyer[some.chat]
    order = np.lexsort((some.at, buyer))
    some, buyer = some.take(order), buyer[order]
    is_heard = ~np.isin(some.type, SILENT_TYPES)
    human = (
        (some.role == MALL_CS)
        & (some.agent >= 0)
        & (some.template == NO_TEMPLATE)
        & ~world.agent_is_robot[np.maximum(some.agent, 0)]
        & is_heard
    )
    asks = (some.role == USER) & is_heard & (some.is_spam != 1) & (some.need_reply != 0)
    place = np.arange(len(some))
    # The next answer, if it is to the same buyer.
    later = np.where(human, place, len(some))[::-1]
    answer = np.minimum.accumulate(later)[::-1]
    there = np.minimum(answer, max(len(some) - 1, 0))
    is_answered = (answer < len(some)) & (buyer[there] == buyer)
    waited = np.where(is_answered, some.at[there] - some.at, NO_ANSWER)
    waited = np.where(waited <= DAY, waited, NO_ANSWER)
    opens = np.ones(len(some), dtype=bool)
    opens[1:] = (buyer[1:] != buyer[:-1]) | human[:-1]
    day = world.day_index(some.at)
    inside = day <= last
    kept = np.flatnonzero(asks & inside)
    agent = np.where(waited < NO_ANSWER, some.agent[there], some.assigned)
    sent = np.flatnonzero(human & inside)
    said = np.flatnonzero((some.role == USER) & inside)
    cares = np.flatnonzero(chats.is_after_sale[some.chat] & inside)
    spoken = _pairs(buyer[said], day[said])
    return Shop(
        asked=Asked(
            buyer=buyer[kept],
            day=day[kept],
            hour=(some.at[kept] - world.start) % DAY // HOUR,
            agent=agent[kept],
            waited=waited[kept],
            opens=opens[kept],
        ),
        written=set(
            zip(
                some.agent[sent].tolist(),
                buyer[sent].tolist(),
                day[sent].tolist(),
                strict=True,
            )
        ),
        spoken=spoken,
        after_sale=_pairs(buyer[cares], day[cares]),
        sales=_sales(world, mall, orders, spoken, some, buyer, day, human),
        ratings=_ratings(mall, begin, end, ratings),
    )


def _pairs(buyer: np.ndarray, day: np.ndarray) -> set[tuple[int, int]]:
    return set(zip(buyer.tolist(), day.tolist(), strict=True))


def _sales(
    world: World,
    mall: int,
    orders: Orders,
    spoken: set[tuple[int, int]],
    some: Messages,
    buyer: np.ndarray,
    day: np.ndarray,
    human: np.ndarray,
) -> list[tuple[int, int, int, int]]:
    """Paid, grouped orders of who wrote on the day: the last agent's sale."""
    last_agent = {
        (one, on): agent
        for one, on, agent in zip(
            buyer[human].tolist(),
            day[human].tolist(),
            some.agent[human].tolist(),
            strict=True,
        )
    }
    rows = np.flatnonzero(
        (orders.mall == mall)
        & orders.is_grouped
        & (orders.stages[:, PAID] < NEVER)
        & ~orders.has_no_buyer
    )
    found = []
    for row in rows.tolist():
        grouped = int(world.day_index(orders.stages[row, CONFIRMED]))
        one = int(orders.buyer[row])
        for on in (grouped, grouped - 1, grouped - 2):
            if (one, on) in spoken and (one, on) in last_agent:
                cents = int(orders.pay_amount[row])
                found.append((last_agent[one, on], one, on, cents))
                break
    return found


def _ratings(
    mall: int, begin: int, end: int, ratings: Ratings
) -> list[tuple[int, int]]:
    rows = (ratings.mall == mall) & (ratings.created >= begin) & (ratings.created < end)
    return list(
        zip(ratings.agent[rows].tolist(), ratings.score[rows].tolist(), strict=True)
    )


def figures(shop: Shop, agent: int | None, *, by_rounds: bool) -> dict[str, object]:
    """The figures of a report's row: of the shop, or of one agent.

    by_rounds: the rate within 30 seconds counts rounds of messages, not messages.
    """
    asked = shop.asked
    of_row = np.full(len(asked.buyer), True) if agent is None else asked.agent == agent
    daytime = of_row & (asked.hour >= 8) & (asked.hour < 23)
    written = {(one, on) for who, one, on in shop.written if agent in (None, who)}
    answerable = _pairs(asked.buyer[of_row], asked.day[of_row])
    consulted = shop.spoken if agent is None else answerable | written
    inquiries = (shop.spoken if agent is None else written) - shop.after_sale
    sales = [sale for sale in shop.sales if agent in (None, sale[0])]
    bought = {(one, on) for _, one, on, _ in sales}
    scores = [score for who, score in shop.ratings if agent in (None, who)]
    converted = len(bought & inquiries)
    row: dict[str, object] = {
        "consult_buyers": len(consulted),
        "inquiry_buyers": len(inquiries),
        "inquiry_lost_buyers": len(inquiries) - converted,
        "final_group_buyers": len(bought),
        "received_buyers": len(written),
        "rating_count": len(scores),
        "low_rating_count": sum(score <= 3 for score in scores),
        "sales_amount": f"{sum(cents for *_, cents in sales) / 100:.2f}",
        "inquiry_conversion_rate": _share(converted, len(inquiries)),
    }
    row["low_rating_rate"] = _share(row["low_rating_count"], len(scores))
    for suffix, rows in (("", daytime), ("_all_day", of_row)):
        need = _pairs(asked.buyer[rows], asked.day[rows])
        is_late = rows & (asked.waited > 180 * SECOND)
        late = len(_pairs(asked.buyer[is_late], asked.day[is_late]))
        row[f"reply_rate_3min{suffix}"] = _share(len(need) - late, len(need))
        judged = rows & asked.opens if by_rounds else rows
        quick = int((asked.waited[judged] <= 30 * SECOND).sum())
        row[f"reply_rate_30s{suffix}"] = _share(quick, int(judged.sum()))
        if not suffix:
            row |= {"need_human_buyers": len(need), "late_buyers_3min": late}
    answered = asked.waited[daytime & (asked.waited < NO_ANSWER)]
    return row | _printed(answered)


def _share(part: int, whole: int) -> float | None:
    """A ratio to four digits, as a report shows it; None where there is nothing."""
    return round(part / whole, 4) if whole else None


def _printed(waited: np.ndarray) -> dict[str, object]:
    """A mean duration as the report prints it, and what that says in seconds."""
    if not len(waited):
        return {"avg_response_seconds": None, "avg_response_printed": None}
    seconds = float(waited.mean()) / SECOND
    if seconds < 60:
        whole = round(seconds)
        text = f"{whole}秒"
        return {"avg_response_seconds": float(whole), "avg_response_printed": text}
    minutes = round(seconds / 60, 2)
    return {
        "avg_response_seconds": round(minutes * 60, 1),
        "avg_response_printed": f"{minutes:.2f} 分钟",
    }


def report(world: World, mall: int, shop: Shop) -> list[dict[str, object]]:
    """The rows of a shop's report: total, mean, and each agent who wrote.

    An account is written with the shop's name before it in every other shop, and
    as a number in the rest; every third shop's rates within 30 s are of rounds.
    """
    by_rounds = mall % 3 == 2
    agents = sorted({who for who, _, _ in shop.written})
    rows = [figures(shop, agent, by_rounds=by_rounds) for agent in agents]
    for agent, row in zip(agents, rows, strict=True):
        name = f"{world.mall_name[mall]}:{world.agent_name[agent]}"
        account = name if mall % 2 == 0 else str(world.agent_uid[agent])
        row |= {"row_type": "agent", "cs_account": account}
    total = figures(shop, None, by_rounds=by_rounds) | {"row_type": "mall_total"}
    if not rows:
        return [total]
    mean: dict[str, object] = {"row_type": "mall_average"}
    mean |= {name: round(fmean(row[name] for row in rows)) for name in COUNTED}
    return [total, mean, *rows]


def score_page(
    world: World,
    mall: int,
    day: int,
    orders: Orders,
    refunds: Refunds,
    complaints: Complaints,
) -> list[tuple[str, str | None, float]]:
    """The values of a shop's score page on a day: (measure, name, value).

    The score is one that could be the platform's: what weighs on it here is how
    well the demo's shop does, not how the warehouse reckons.
    """
    confirmed = world.day_index(orders.stages[:, CONFIRMED])
    in_window = (
        (orders.mall == mall)
        & orders.is_grouped
        & (confirmed <= day)
        & (confirmed > day - 30)
    )
    helped: dict[str, set[int]] = defaultdict(set)
    until = world.start + (day + 1) * DAY
    for made, moment, is_platform in (
        (refunds, refunds.time[:, 0], refunds.has_platform),
        (complaints, complaints.created, np.full(len(complaints), True)),
    ):
        known = np.flatnonzero((made.order >= 0) & (moment < until))
        for row in known[in_window[made.order[known]]].tolist():
            order = int(made.order[row])
            helped["all"].add(order)
            if is_platform[row]:
                helped["platform"].add(order)
            if made.problem_code[row] >= 0:
                code = texts.UPSTREAM_CODES[made.problem_code[row]]
                helped[PROBLEM_NAMES.get(code, "")].add(order)
    badness = world.mall_badness[mall]
    points = np.clip(np.round(5 - 1.1 * badness, 2), 0.5, 5)
    values = [
        ("experience_score", None, round(float(points.mean()), 4)),
        ("change_7d", None, round(0.02 * (int(mall) % 5 - 2), 4)),
        ("peer_rank", None, round(0.1 + 0.13 * (int(mall) % 6), 4)),
        *(
            ("module_score", MODULE_NAMES[module], float(value))
            for module, value in zip(MODULES, points, strict=True)
        ),
    ]
    grouped = int(in_window.sum())
    if grouped:
        rate = round(len(helped["platform"]) / grouped, 4)
        values.append(("platform_help_rate", None, rate))
    for name in PROBLEM_NAMES.values():
        if helped[name]:
            values.append(("problem_help_orders", name, float(len(helped[name]))))
            share = round(len(helped[name]) / len(helped["all"]), 4)
            values.append(("problem_share", name, share))
    return values
