"""Orders: those that follow from a chat, and those bought without a word."""

from __future__ import annotations

import dataclasses

import numpy as np

from kefu.demo import world as world_module
from kefu.demo.world import CHAT_ONLY, DAY, HOUR, LOW_VOLUME, MINUTE, SECOND, World

# A time that has not come (or never will): later than every real one.
NEVER = np.int64(1) << 60
# The stages of an order, in the order in which they come.
CREATED, PAID, CONFIRMED, SHIPPED, RECEIVED = range(5)


@dataclasses.dataclass
class Orders:
    """All arrays have shape (orders,); stages has shape (orders, 5).

    Times are local ms (NEVER = not reached), money is in cents.
    """

    mall: np.ndarray
    buyer: np.ndarray
    number: np.ndarray  # the digits behind the date in order_sn
    goods: np.ndarray  # index into the products of the shop's category
    count: np.ndarray
    price: np.ndarray
    discount: np.ndarray
    postage: np.ndarray
    stages: np.ndarray
    is_failed_group: np.ndarray
    is_cancelled: np.ndarray
    is_under_review: np.ndarray
    is_lottery: np.ndarray
    has_no_buyer: np.ndarray

    def __len__(self) -> int:
        return len(self.mall)

    @property
    def pay_amount(self) -> np.ndarray:
        """Cents paid for the whole order."""
        return self.price * self.count - self.discount + self.postage

    @property
    def is_grouped(self) -> np.ndarray:
        """Group complete and confirmed (whatever the risk review says)."""
        return (self.stages[:, CONFIRMED] < NEVER) & ~self.is_cancelled


def lognormal_ms(
    rng: np.random.Generator, median_ms: float | np.ndarray, sigma: float, size: int
) -> np.ndarray:
    """Positive whole milliseconds around a median, log-normal, shape (size,)."""
    return np.maximum(1, median_ms * np.exp(sigma * rng.standard_normal(size))).astype(
        np.int64
    )


def silent_order_plan(world: World, wanted: int) -> np.ndarray:
    """How many orders each shop gets without a chat, shape (malls,).

    Listed shops of normal size get enough to stay above 100 in 30 days, the
    low-volume ones stay well below.
    """
    share = world.mall_weight.copy()
    share[world.mall_kind == CHAT_ONLY] = 0
    share = share / max(share.sum(), 1e-9)
    plan = share * wanted
    regular = world.mall_kind == world_module.REGULAR
    plan[regular] = np.maximum(plan[regular], 4.6 * world.days)
    low = world.mall_kind == LOW_VOLUME
    plan[low] = np.minimum(plan[low], 1.0 * world.days)
    plan = np.round(plan).astype(np.int64)
    plan[world.mall_kind == CHAT_ONLY] = 0
    return plan


def build(
    rng: np.random.Generator,
    world: World,
    chat_mall: np.ndarray,
    chat_buyer: np.ndarray,
    chat_start: np.ndarray,
    buyers_per_mall: np.ndarray,
    buyer_offset: np.ndarray,
    wanted: int,
) -> Orders:
    """Make the orders.

    chat_*: shape (inquiries,), the pre-sale conversations that may end in an
    order. buyers_per_mall and buyer_offset: shape (malls,), the shop's range
    of buyer numbers. wanted: how many orders in all, as far as the shops'
    minimum and maximum allow.
    """
    chance = world.mall_conversion[chat_mall]
    chance = np.where(world.mall_kind[chat_mall] == LOW_VOLUME, 0.08, chance)
    chance = np.where(world.mall_kind[chat_mall] == CHAT_ONLY, 0.0, chance)
    converts = rng.random(len(chat_mall)) < chance
    from_chat = np.flatnonzero(converts)
    after = lognormal_ms(rng, 14 * MINUTE, 1.7, len(from_chat))
    chat_created = chat_start[from_chat] + MINUTE + np.minimum(after, 5 * DAY)

    plan = silent_order_plan(world, max(0, wanted - len(from_chat)))
    silent_mall = np.repeat(np.arange(world.malls), plan)
    silent_day = rng.choice(world.days, size=len(silent_mall), p=world.day_weight)
    silent_created = world_module.pick_times(rng, silent_day, world.start)
    silent_buyer = buyer_offset[silent_mall] + (
        rng.random(len(silent_mall)) * buyers_per_mall[silent_mall]
    ).astype(np.int64)

    mall = np.concatenate([chat_mall[from_chat], silent_mall])
    buyer = np.concatenate([chat_buyer[from_chat], silent_buyer])
    created = np.concatenate([chat_created, silent_created])
    # Orders carry whole seconds.
    created = created // SECOND * SECOND
    keep = created <= world.last_load
    mall, buyer, created = mall[keep], buyer[keep], created[keep]
    ranked = np.lexsort((buyer, mall, created))
    mall, buyer, created = mall[ranked], buyer[ranked], created[ranked]
    size = len(mall)

    stages = np.full((size, 5), NEVER, dtype=np.int64)
    stages[:, CREATED] = created
    pays = rng.random(size) < 0.92
    slow = rng.random(size) < 0.08
    pay_delay = np.where(
        slow,
        lognormal_ms(rng, 2 * HOUR, 0.9, size),
        lognormal_ms(rng, 25 * SECOND, 0.7, size),
    )
    stages[:, PAID] = np.where(pays, created + pay_delay, NEVER)
    grouping = rng.random(size)
    is_failed = pays & (grouping < 0.025)
    confirms = pays & (grouping >= 0.045)
    # Three in five buy at once; the others wait for their group to fill.
    waits = rng.random(size) < 0.4
    confirm_delay = np.where(
        waits,
        np.minimum(lognormal_ms(rng, 50 * MINUTE, 1.4, size), DAY),
        rng.integers(0, 3, size) * SECOND,
    )
    stages[:, CONFIRMED] = np.where(confirms, stages[:, PAID] + confirm_delay, NEVER)
    is_cancelled = confirms & (rng.random(size) < 0.01)
    ships = confirms & ~is_cancelled & (rng.random(size) < 0.985)
    slowness = world.mall_badness[mall, 1]
    ship_delay = lognormal_ms(rng, 17 * HOUR * np.sqrt(slowness), 0.7, size) + HOUR
    stages[:, SHIPPED] = np.where(ships, stages[:, CONFIRMED] + ship_delay, NEVER)
    receive_delay = lognormal_ms(
        rng, 58 * HOUR * np.sqrt(world.mall_badness[mall, 2]), 0.4, size
    )
    arrives = ships & (rng.random(size) < 0.97)
    stages[:, RECEIVED] = np.where(
        arrives, stages[:, SHIPPED] + receive_delay + 12 * HOUR, NEVER
    )
    stages = np.where(stages < NEVER, stages // SECOND * SECOND, NEVER)

    low_price = np.array([one[3][0] for one in world.categories])
    high_price = np.array([one[3][1] for one in world.categories])
    products = np.array([len(one[2]) for one in world.categories])
    category = world.mall_category[mall]
    goods = (rng.random(size) ** 1.6 * products[category]).astype(np.int64)
    # Each product of a shop has its price: the cheap ones sell most.
    level = (goods + 0.37 * (mall % 3)) / products[category]
    price = low_price[category] + (
        (high_price - low_price)[category] * level**1.8
    ).astype(np.int64)
    price = price // 100 * 100 + 90
    count = 1 + (rng.random(size) < 0.17) + (rng.random(size) < 0.04) * 3
    discount = np.where(
        rng.random(size) < 0.35,
        np.minimum(rng.choice([200, 300, 500, 1_000, 2_000], size), price * count // 3),
        0,
    )
    postage = np.where(rng.random(size) < 0.04, rng.choice([600, 800, 1_200], size), 0)
    return Orders(
        mall=mall,
        buyer=buyer,
        number=rng.integers(10**14, 10**15, size),
        goods=goods,
        count=count.astype(np.int64),
        price=price,
        discount=discount,
        postage=postage,
        stages=stages,
        is_failed_group=is_failed,
        is_cancelled=is_cancelled,
        is_under_review=confirms & (rng.random(size) < 0.008),
        is_lottery=rng.random(size) < 0.007,
        has_no_buyer=rng.random(size) < 0.012,
    )
