"""What follows a sale or a chat: refunds, complaints, ratings, reviews."""

from __future__ import annotations

import dataclasses

import numpy as np

from kefu.demo import texts
from kefu.demo.chats import Chats
from kefu.demo.orders import NEVER, PAID, RECEIVED, SHIPPED, Orders, lognormal_ms
from kefu.demo.world import DAY, HOUR, MINUTE, SECOND, World

# The statuses that a refund request goes through, by path, with the median
# hours from one to the next and how common the path is.
PATHS = (
    ((2, 5, 10), (9, 3), 0.45),
    ((2, 7, 5, 10), (12, 60, 4), 0.18),
    ((2, 6, 11), (15, 30), 0.09),
    ((2, 6, 8, 10), (15, 20, 40), 0.06),
    ((2, 6, 8, 9), (15, 20, 40), 0.03),
    ((2, 7, 12), (12, 160), 0.04),
    ((3, 13), (150,), 0.02),
    ((2, 4, 10), (5, 1), 0.04),
    ((2, 11), (6,), 0.05),
    ((2,), (), 0.03),
    ((0,), (), 0.01),
)
PLATFORM_PATHS = (3, 4)
RETURN_PATHS = (1, 5)
LIABILITIES = ("merchant", "buyer", "platform", "none")
CHANNELS = ("platform_online_cs", "platform_hotline", "complaint")


@dataclasses.dataclass
class Refunds:
    """Refund requests; arrays of shape (refunds,), statuses and times (., 4).

    Times are local ms in whole seconds (NEVER = not reached), money cents.
    """

    order: np.ndarray  # index, -1 = an order that nobody knows
    mall: np.ndarray
    buyer: np.ndarray
    type: np.ndarray
    reason: np.ndarray  # index into texts.REFUND_REASONS
    problem_code: np.ndarray  # index into texts.UPSTREAM_CODES, -1 null
    status: np.ndarray  # -1 = path is shorter
    time: np.ndarray
    recreated: np.ndarray  # -1 = never applied again
    amount: np.ndarray
    is_dispute: np.ndarray
    has_platform: np.ndarray
    liability: np.ndarray  # -1 null
    gives_success_time: np.ndarray
    names_buyer: np.ndarray

    def __len__(self) -> int:
        return len(self.order)

    @property
    def success(self) -> np.ndarray:
        """When status 10 was reached, NEVER if not, shape (refunds,)."""
        return np.where(self.status == 10, self.time, NEVER).min(axis=1)


def refunds(
    rng: np.random.Generator, world: World, orders: Orders, chats: Chats
) -> Refunds:
    """Draw the refund requests: after problem chats, and out of the blue."""
    odds = np.zeros(len(orders))
    odds[orders.stages[:, PAID] < NEVER] = 0.035
    odds = odds * np.clip(world.mall_badness.mean(axis=1), 0.5, 2)[orders.mall]
    problem = np.full(len(orders), -1, dtype=np.int64)
    asked = np.full(len(orders), NEVER)
    about = np.flatnonzero((chats.order >= 0) & (chats.problem >= 0))
    # Where an order has several chats the first decides.
    about = about[np.argsort(-chats.start[about], kind="stable")]
    problem[chats.order[about]] = chats.problem[about]
    asked[chats.order[about]] = chats.start[about]
    modules = np.array(texts.PROBLEM_MODULES + (5,))
    by_module = np.array([0.42, 0.3, 0.28, 0.2, 0.1, 0.0])
    odds = np.where(problem >= 0, by_module[modules[problem]], odds)
    chosen = np.flatnonzero(rng.random(len(orders)) < odds)
    # One in twelve applies again later, with a request of its own.
    again = chosen[rng.random(len(chosen)) < 0.08]
    order = np.concatenate([chosen, again])
    is_again = np.arange(len(order)) >= len(chosen)
    size = len(order)

    stages = orders.stages[order]
    anchor = np.where(
        rng.random(size) < 0.35,
        stages[:, PAID],
        np.where(stages[:, RECEIVED] < NEVER, stages[:, RECEIVED], stages[:, PAID]),
    )
    created = anchor + lognormal_ms(rng, 15 * HOUR, 1.2, size)
    talked = asked[order]
    created = np.where(
        talked < NEVER, talked + lognormal_ms(rng, 25 * MINUTE, 1.2, size), created
    )
    created = np.where(is_again, created + 4 * DAY, created) // SECOND * SECOND

    share = np.array([one[2] for one in PATHS])
    path = rng.choice(len(PATHS), size=size, p=share / share.sum())
    length = max(len(one[0]) for one in PATHS)
    statuses = np.array([one[0] + (-1,) * (length - len(one[0])) for one in PATHS])
    hours = np.array(
        [(0,) + one[1] + (0,) * (length - 1 - len(one[1])) for one in PATHS]
    )
    status = statuses[path]
    steps = np.stack(
        [
            lognormal_ms(rng, np.maximum(hours[path, step], 0) * HOUR, 0.6, size)
            // SECOND
            * SECOND
            + (SECOND if step else 0)
            for step in range(length)
        ],
        axis=1,
    )
    steps[:, 0] = 0
    time = created[:, None] + np.cumsum(steps, axis=1)
    time = np.where((status >= 0) & (time <= world.last_load), time, NEVER)

    reason = texts.reasons_for(problem[order], rng.random(size), rng.random(size))
    draw = rng.random(size)
    is_partial = draw < 0.18
    pay = orders.pay_amount[order]
    amount = np.where(is_partial, np.maximum(100, pay * (draw * 4 + 0.1)), pay)
    draw = rng.random(size)
    code = np.where(
        (draw < 0.06) & (problem[order] >= 0),
        problem[order],
        np.where(draw > 0.99, len(texts.ALL_CODES), -1),
    )
    has_platform = np.isin(path, PLATFORM_PATHS)
    draw = rng.random(size)
    liability = np.where(
        draw < 0.40, 0, np.where(draw < 0.5, 1, np.where(draw < 0.53, 2, 3))
    )
    liability = np.where(draw > 0.58, -1, liability)
    draw = rng.random(size)
    kind = np.where(np.isin(path, RETURN_PATHS), 2, 1)
    kind = np.where(draw < 0.02, rng.integers(3, 6, size), kind)
    recreated = np.where(
        rng.random(size) < 0.04, created + rng.integers(1, 72, size) * HOUR, -1
    )
    exists = created <= world.last_load
    result = Refunds(
        order=order,
        mall=orders.mall[order],
        buyer=orders.buyer[order],
        type=kind,
        reason=reason,
        problem_code=code,
        status=status,
        time=time,
        recreated=recreated,
        amount=amount.astype(np.int64),
        is_dispute=(has_platform & (rng.random(size) < 0.6))
        | (rng.random(size) < 0.015),
        has_platform=has_platform,
        liability=liability,
        gives_success_time=rng.random(size) < 0.5,
        names_buyer=rng.random(size) < 0.65,
    )
    result.order = np.where(rng.random(size) < 0.004, -1, result.order)
    return _take(result, np.flatnonzero(exists))


def _take(records, rows: np.ndarray):
    """The given rows of a dataclass of arrays."""
    return type(records)(
        *(getattr(records, field.name)[rows] for field in dataclasses.fields(records))
    )


def stop_refunded_orders(orders: Orders, made: Refunds) -> np.ndarray:
    """Unship what was refunded first; return refund times (orders,), ms."""
    refunded = np.full(len(orders), NEVER)
    known = made.order >= 0
    np.minimum.at(refunded, made.order[known], made.success[known])
    never_ships = refunded < orders.stages[:, SHIPPED]
    orders.stages[never_ships, SHIPPED] = NEVER
    orders.stages[never_ships, RECEIVED] = NEVER
    return refunded


@dataclasses.dataclass
class Complaints:
    """Complaints to the platform; arrays of shape (complaints,)."""

    mall: np.ndarray
    buyer: np.ndarray
    order: np.ndarray  # -1 null, -2 an order that nobody knows
    agent: np.ndarray  # -1 null
    channel: np.ndarray
    problem_code: np.ndarray  # index into texts.UPSTREAM_CODES, -1 null
    created: np.ndarray
    is_valid: np.ndarray  # -1 null, 0, 1
    liability: np.ndarray  # -1 null

    def __len__(self) -> int:
        return len(self.mall)


def complaints(rng: np.random.Generator, world: World, chats: Chats) -> Complaints:
    """Draw complaints from conversations about a problem."""
    odds = np.where(chats.problem >= 0, 0.075, 0.002)
    odds = odds * (chats.end >= 0)
    rows = np.flatnonzero(rng.random(len(chats)) < odds)
    size = len(rows)
    created = chats.end[rows] + lognormal_ms(rng, 6 * HOUR, 1.3, size)
    draw = rng.random(size)
    code = np.where(draw < 0.8, chats.problem[rows], -1)
    code = np.where(draw > 0.97, len(texts.ALL_CODES), code)
    draw = rng.random(size)
    order = np.where(draw < 0.7, chats.order[rows], -1)
    order = np.where(draw > 0.985, -2, order)
    draw = rng.random(size)
    valid = np.where(draw < 0.12, 0, np.where(draw < 0.7, 1, -1))
    draw = rng.random(size)
    liability = np.where(draw < 0.45, 0, np.where(draw < 0.52, 1, -1))
    liability = np.where(draw > 0.96, rng.integers(2, 4, size), liability)
    made = Complaints(
        mall=chats.mall[rows],
        buyer=chats.buyer[rows],
        order=order,
        agent=np.where(rng.random(size) < 0.8, chats.agent[rows], -1),
        channel=rng.choice(3, size=size, p=(0.45, 0.2, 0.35)),
        problem_code=code,
        created=created // SECOND * SECOND,
        is_valid=valid,
        liability=liability,
    )
    return _by_time(made, made.created, world)


def _by_time(records, created: np.ndarray, world: World):
    """Those that exist before the last load, oldest first."""
    rows = np.flatnonzero(created <= world.last_load)
    return _take(records, rows[np.argsort(created[rows], kind="stable")])


@dataclasses.dataclass
class Ratings:
    """Ratings of the service; arrays of shape (ratings,)."""

    mall: np.ndarray
    buyer: np.ndarray
    order: np.ndarray
    agent: np.ndarray
    score: np.ndarray
    created: np.ndarray

    def __len__(self) -> int:
        return len(self.mall)


def _goodness(world: World, chats: Chats, rows: np.ndarray) -> np.ndarray:
    """How well a chat was served: about 0 on average, higher is better."""
    agent = np.maximum(chats.agent[rows], 0)
    speed = -np.log(world.agent_median_ms[agent] / (25 * SECOND))
    return 0.8 * speed - 0.7 * (chats.problem[rows] >= 0)


def ratings(rng: np.random.Generator, world: World, chats: Chats) -> Ratings:
    """Draw the ratings that buyers give after a conversation."""
    chance = np.where(chats.agent >= 0, 0.16, 0.02) * (chats.end >= 0)
    rows = np.flatnonzero(rng.random(len(chats)) < chance)
    size = len(rows)
    mood = _goodness(world, chats, rows) + rng.normal(0, 1.1, size)
    score = 1 + np.sum(mood[:, None] > np.array([-2.4, -1.9, -1.3, -0.5]), axis=1)
    made = Ratings(
        mall=chats.mall[rows],
        buyer=chats.buyer[rows],
        order=np.where(rng.random(size) < 0.8, chats.order[rows], -1),
        agent=chats.agent[rows],
        score=score,
        created=(chats.end[rows] + lognormal_ms(rng, 4 * MINUTE, 1.2, size))
        // SECOND
        * SECOND,
    )
    return _by_time(made, made.created, world)


@dataclasses.dataclass
class Reviews:
    """Quality reviews; arrays of shape (reviews,), scores (reviews, 4)."""

    mall: np.ndarray
    agent: np.ndarray
    buyer: np.ndarray
    served: np.ndarray  # local ms within the reviewed day
    scores: np.ndarray  # in halves of a point 2..20, -1 not scored

    def __len__(self) -> int:
        return len(self.mall)


def reviews(rng: np.random.Generator, world: World, chats: Chats) -> Reviews:
    """Draw the conversations that a reviewer looked at."""
    chance = np.where(chats.agent >= 0, 0.06, 0.0) * (chats.end >= 0)
    rows = np.flatnonzero(rng.random(len(chats)) < chance)
    rows = rows[np.argsort(chats.start[rows], kind="stable")]
    size = len(rows)
    level = 15.5 + 2.2 * _goodness(world, chats, rows)[:, None]
    scores = np.clip(np.round(level + rng.normal(0, 2.2, (size, 4))), 2, 20)
    scores = scores.astype(np.int64)
    scores[:, 3] = np.where(chats.is_after_sale[rows], scores[:, 3], -1)
    scores = np.where(rng.random((size, 4)) < 0.03, -1, scores)
    return Reviews(
        mall=chats.mall[rows],
        agent=chats.agent[rows],
        buyer=chats.buyer[rows],
        served=chats.start[rows],
        scores=scores,
    )


def excluded_buyers(
    rng: np.random.Generator, world: World, chats: Chats
) -> list[tuple[int, int, int, int]]:
    """The malicious buyers: (mall, buyer, first day, last day) each.

    mall -1 = every shop; days count from the first day, -10_000 and 10_000
    stand for an open end.
    """
    served = np.flatnonzero((chats.end >= 0) & (chats.problem >= 0))
    count = min(len(served), 3 + len(served) // 250)
    chosen = rng.choice(served, size=count, replace=False) if count else served
    result = []
    for place, chat in enumerate(np.sort(chosen)):
        day = int(world.day_index(chats.start[chat]))
        span = ((-10_000, 10_000), (day - 3, day + 10), (day, 10_000), (-10_000, day))[
            place % 4
        ]
        mall = -1 if place % 5 == 4 else int(chats.mall[chat])
        result.append((mall, int(chats.buyer[chat]), *span))
    return result
