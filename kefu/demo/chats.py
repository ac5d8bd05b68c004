"""Conversations: who asks when, who answers how fast, and with what.

A conversation is drawn as a few rounds (the buyer asks, somebody may answer)
and then spread out into messages by whole arrays: no loop runs over messages.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from kefu.demo import texts
from kefu.demo import world as world_module
from kefu.demo.orders import (
    CONFIRMED,
    NEVER,
    PAID,
    RECEIVED,
    SHIPPED,
    Orders,
    lognormal_ms,
)
from kefu.demo.world import DAY, HOUR, MINUTE, SECOND, World

# How a conversation is served.
HUMAN, ROBOT_ONLY, NOBODY, NEXT_MORNING, ROBOT_THEN_HUMAN = range(5)
# The parts of a round, in the order in which they are sent.
BUYER, AUTO_REPLY, TRANSFER, HINT, REPLY, WITHDRAW = range(6)
# from_role
USER, MALL_CS, SYSTEM = range(3)
# template_name
NO_TEMPLATE, ROBOT_TEMPLATE, AUTO_TEMPLATE = range(3)

MEAN_MESSAGES = 6.6
MAX_ROUNDS = 9
UNKNOWN_ORDER = -2


@dataclasses.dataclass
class Chats:
    """Conversations; every array has shape (chats,)."""

    mall: np.ndarray
    buyer: np.ndarray
    start: np.ndarray  # local ms
    problem: np.ndarray  # index into texts.PROBLEM_CODES, -1 none
    order: np.ndarray  # index into the orders, -1 none
    is_after_sale: np.ndarray
    # Filled in when the messages are made.
    agent: np.ndarray | None = None  # last human who answered, -1 nobody
    end: np.ndarray | None = None  # time of the last message, -1 no message

    def __len__(self) -> int:
        return len(self.mall)

    @staticmethod
    def join(first: Chats, second: Chats) -> Chats:
        """Put two lots of conversations into one."""
        names = ("mall", "buyer", "start", "problem", "order", "is_after_sale")
        return Chats(
            *(
                np.concatenate([getattr(first, name), getattr(second, name)])
                for name in names
            )
        )


@dataclasses.dataclass
class Messages:
    """Messages in the order of time; every array has shape (messages,)."""

    chat: np.ndarray
    at: np.ndarray  # local ms
    role: np.ndarray
    agent: np.ndarray  # cs_uid as an index into the agents, -1 null
    assigned: np.ndarray  # assigned_cs_uid likewise
    type: np.ndarray  # -1 null
    template: np.ndarray
    group: np.ndarray  # text group, -1 no text
    text_seed: np.ndarray  # decides the wording
    need_reply: np.ndarray  # -1 null, 0, 1
    is_spam: np.ndarray  # -1 null, 0, 1
    order: np.ndarray  # index, -1 null, UNKNOWN_ORDER
    problem_code: np.ndarray  # index into texts.UPSTREAM_CODES, -1 null

    def __len__(self) -> int:
        return len(self.at)

    def take(self, rows: np.ndarray) -> Messages:
        """The given rows, in that order."""
        return Messages(
            *(getattr(self, field.name)[rows] for field in dataclasses.fields(self))
        )


def inquiries(
    rng: np.random.Generator,
    world: World,
    count: int,
    buyers_per_mall: np.ndarray,
    buyer_offset: np.ndarray,
) -> Chats:
    """Draw `count` conversations that start before any order."""
    mall = rng.choice(world.malls, size=count, p=world.mall_weight)
    day = rng.choice(world.days, size=count, p=world.day_weight)
    buyer = buyer_offset[mall] + (rng.random(count) * buyers_per_mall[mall]).astype(
        np.int64
    )
    # A few people shop in many places under the same number.
    buyer = np.where(rng.random(count) < 0.02, rng.integers(0, 400, count), buyer)
    problem = np.where(
        rng.random(count) < 0.02, _draw_problems(rng, world, mall), np.int64(-1)
    )
    return Chats(
        mall=mall,
        buyer=buyer,
        start=world_module.pick_times(rng, day, world.start),
        problem=problem,
        order=np.full(count, -1, dtype=np.int64),
        is_after_sale=np.zeros(count, dtype=bool),
    )


def _draw_problems(
    rng: np.random.Generator, world: World, mall: np.ndarray
) -> np.ndarray:
    """One problem a row by the shop's weak points, shape as mall."""
    weight = (
        np.array(texts.PROBLEM_WEIGHTS)[None, :]
        * (world.mall_badness[:, texts.PROBLEM_MODULES])
    )
    steps = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    draw = rng.random(len(mall))
    problem = np.zeros(len(mall), dtype=np.int64)
    for step in range(len(texts.PROBLEM_CODES) - 1):
        problem += draw >= steps[mall, step]
    return problem


def after_sale_chats(
    rng: np.random.Generator, world: World, orders: Orders, count: int
) -> Chats:
    """Draw about `count` conversations about an order that was paid."""
    paid = np.flatnonzero(orders.stages[:, PAID] < NEVER)
    if count == 0 or len(paid) == 0:
        nothing = np.zeros(0, dtype=np.int64)
        return Chats(*([nothing] * 5), is_after_sale=nothing.astype(bool))
    # Shops with weak points are asked more often.
    odds = np.sqrt(world.mall_badness.mean(axis=1))[orders.mall[paid]]
    tries = int(count * 1.8) + 20
    order = rng.choice(paid, size=tries, p=odds / odds.sum())
    mall = orders.mall[order]
    problem = _draw_problems(rng, world, mall)
    has_problem = rng.random(tries) < 0.8
    module = np.array(texts.PROBLEM_MODULES)[problem]

    stages = orders.stages[order]
    base = np.where(stages[:, CONFIRMED] < NEVER, stages[:, CONFIRMED], stages[:, PAID])
    shipped = np.where(stages[:, SHIPPED] < NEVER, stages[:, SHIPPED], base + DAY)
    received = np.where(
        stages[:, RECEIVED] < NEVER, stages[:, RECEIVED], base + 5 * DAY
    )
    wait = rng.exponential(1.0, tries)
    about = np.select(
        [module == 0, module == 1, module == 2],
        [
            received + (wait * 2.2 * DAY).astype(np.int64),
            base + (wait * 1.1 * DAY).astype(np.int64) + 4 * HOUR,
            shipped + (wait * 1.6 * DAY).astype(np.int64) + 12 * HOUR,
        ],
        base + (wait * 4.0 * DAY).astype(np.int64) + HOUR,
    )
    about = np.where(rng.random(tries) < 0.03, about + 16 * DAY, about)
    day = world.day_index(about)
    start = world_module.pick_times(rng, day, world.start)
    # Nearly all come after the group is complete; a few write too early.
    early = rng.random(tries) < 0.01
    soon = base + lognormal_ms(rng, 40 * MINUTE, 1.0, tries)
    start = np.where((start < base) & ~early, soon, start)
    fits = (start >= world.start) & (start < world.last_load)
    rows = np.flatnonzero(fits)[:count]
    return Chats(
        mall=mall[rows],
        buyer=orders.buyer[order[rows]],
        start=start[rows],
        problem=np.where(has_problem, problem, -1)[rows],
        order=order[rows],
        is_after_sale=np.ones(len(rows), dtype=bool),
    )


def _modes(rng: np.random.Generator, world: World, chats: Chats) -> np.ndarray:
    """How each conversation is served, shape (chats,)."""
    staffed = (
        world_module.on_duty(world, chats.mall, chats.start, np.zeros(len(chats))) >= 0
    )
    has_robot = (world.mall_robot >= 0) | world.mall_has_template_robot
    robot_here = has_robot[chats.mall]
    draw = rng.random(len(chats))
    by_day = np.select(
        [
            draw < 0.03,
            (draw < 0.12) & robot_here,
            (draw < 0.22) & robot_here,
        ],
        [NOBODY, ROBOT_ONLY, ROBOT_THEN_HUMAN],
        HUMAN,
    )
    by_night = np.select(
        [(draw < 0.6) & robot_here, draw < 0.87],
        [ROBOT_ONLY, NEXT_MORNING],
        NOBODY,
    )
    return np.where(staffed, by_day, by_night)


@dataclasses.dataclass
class _Rounds:
    """Rounds of all conversations; arrays of shape (rounds,)."""

    chat: np.ndarray
    number: np.ndarray  # 0 = first of its conversation
    parts: np.ndarray  # (rounds, 6) messages of each part
    agent: np.ndarray  # human agent in charge, -1 nobody
    robot: np.ndarray  # roster robot that answers, -1 none
    is_robot: np.ndarray
    is_closing: np.ndarray
    delay: np.ndarray  # from the last message before to the reply, ms


def _rounds(rng: np.random.Generator, world: World, chats: Chats) -> _Rounds:
    size = len(chats)
    mode = _modes(rng, world, chats)
    how_many = np.minimum(rng.geometric(0.38, size), MAX_ROUNDS)
    how_many = np.where(mode == ROBOT_THEN_HUMAN, np.maximum(how_many, 2), how_many)
    how_many = np.where(mode == NOBODY, np.minimum(how_many, 2), how_many)

    # A message at night waits for eight o'clock and the queue of that hour.
    morning = (chats.start // DAY) * DAY + 8 * HOUR
    morning = np.where(morning <= chats.start, morning + DAY, morning)
    morning = morning + rng.integers(0, 70 * MINUTE, size)
    serving_at = np.where(mode == NEXT_MORNING, morning, chats.start)
    first_agent = world_module.on_duty(world, chats.mall, serving_at, rng.random(size))
    second_agent = world_module.on_duty(world, chats.mall, serving_at, rng.random(size))
    is_passed_on = (mode == HUMAN) & (how_many > 1) & (rng.random(size) < 0.06)
    passed_at = np.where(
        is_passed_on | (mode == ROBOT_THEN_HUMAN),
        np.maximum(1, (rng.random(size) * how_many).astype(np.int64)),
        MAX_ROUNDS + 1,
    )
    robot = world.mall_robot[chats.mall]
    robot = np.where(
        world.mall_has_template_robot[chats.mall] & (rng.random(size) < 0.5),
        -1,
        robot,
    )

    chat = np.repeat(np.arange(size), how_many)
    first = np.cumsum(how_many) - how_many
    rounds = len(chat)
    number = np.arange(rounds) - first[chat]
    is_last = number == how_many[chat] - 1
    mode = mode[chat]
    is_robot = (mode == ROBOT_ONLY) | (
        (mode == ROBOT_THEN_HUMAN) & (number < passed_at[chat])
    )
    agent = np.where(
        (number >= passed_at[chat]) & (mode == HUMAN),
        second_agent[chat],
        first_agent[chat],
    )
    is_closing = is_last & (number > 0) & (rng.random(rounds) < 0.3) & (mode != NOBODY)
    draw = rng.random(rounds)
    is_answered = np.where(
        is_closing, draw < 0.3, np.where(is_robot, draw < 0.97, draw < 0.975)
    ) & ((mode != NOBODY) & (is_robot | (agent >= 0)))

    draw = rng.random(rounds)
    parts = np.zeros((rounds, 6), dtype=np.int64)
    parts[:, BUYER] = 1 + (draw < 0.28) + (draw < 0.07)
    auto_chance = np.select(
        [mode == NOBODY, mode == NEXT_MORNING, mode == HUMAN], [0.5, 0.8, 0.12], 0.0
    )
    parts[:, AUTO_REPLY] = (number == 0) & (rng.random(rounds) < auto_chance)
    parts[:, TRANSFER] = number == passed_at[chat]
    parts[:, HINT] = rng.random(rounds) < 0.05
    draw = rng.random(rounds)
    parts[:, REPLY] = np.where(
        is_answered, 1 + ~is_robot * ((draw < 0.25) + 1 * (draw < 0.06)), 0
    )
    parts[:, WITHDRAW] = (rng.random(rounds) < 0.012) & is_answered

    # More buyers at once make everybody slower.
    pressure = world.day_weight * world.days
    day = np.clip(world.day_index(chats.start[chat]), 0, world.days - 1)
    hour = chats.start[chat] % DAY // HOUR
    load = np.clip(pressure[day], 0.7, 3.0) * np.where(
        (hour >= 19) & (hour < 23), 1.25, 1.0
    )
    median = world.agent_median_ms[np.maximum(agent, 0)] * load
    delay = lognormal_ms(rng, median, 0.85, rounds) + 1_500
    delay = np.where(rng.random(rounds) < 0.05, delay * 9, delay)
    forgotten = rng.random(rounds) < 0.004
    delay = np.where(forgotten, rng.integers(25 * HOUR, 40 * HOUR, rounds), delay)
    until_morning = (morning - chats.start)[chat]
    delay = np.where((mode == NEXT_MORNING) & (number == 0), until_morning, delay)
    delay = np.where(is_robot, rng.integers(300, 1_900, rounds), delay)
    return _Rounds(
        chat=chat,
        number=number,
        parts=parts,
        agent=agent,
        robot=robot[chat],
        is_robot=is_robot,
        is_closing=is_closing,
        delay=delay,
    )


def messages(
    rng: np.random.Generator, world: World, chats: Chats, wanted: int
) -> Messages:
    """Spread the conversations out into close to `wanted` messages.

    Conversations that are not needed get no message at all (chats.end stays
    -1). Messages after the last load do not exist yet.
    """
    rounds = _rounds(rng, world, chats)
    per_round = rounds.parts.sum(axis=1)
    owner = np.repeat(np.arange(len(per_round)), per_round)
    size = len(owner)
    first_of_round = np.cumsum(per_round) - per_round
    position = np.arange(size) - first_of_round[owner]
    edges = np.cumsum(rounds.parts, axis=1)
    part = np.zeros(size, dtype=np.int8)
    for index in range(5):
        part += position >= edges[owner, index]
    before = np.where(part > 0, edges[owner, np.maximum(part - 1, 0)], 0)
    is_first_of_part = position == before
    chat = rounds.chat[owner]
    number = rounds.number[owner]

    gap = np.select(
        [
            (part == BUYER) & is_first_of_part,
            part == BUYER,
            part == AUTO_REPLY,
            part == HINT,
            (part == REPLY) & is_first_of_part,
            (part == REPLY) & rounds.is_robot[owner],
        ],
        [
            lognormal_ms(rng, 38 * SECOND, 1.0, size),
            lognormal_ms(rng, 6 * SECOND, 0.7, size),
            rng.integers(200, 1_300, size),
            rng.integers(100, 900, size),
            rounds.delay[owner],
            rng.integers(200, 900, size),
        ],
        lognormal_ms(rng, 8 * SECOND, 0.6, size),
    )
    pause = (part == BUYER) & is_first_of_part & (rng.random(size) < 0.03)
    gap = np.where(pause, gap + rng.integers(30 * MINUTE, 5 * HOUR, size), gap)
    gap = np.where((number == 0) & (position == 0), 0, gap)
    elapsed = np.cumsum(gap)
    chat_first = np.flatnonzero((number == 0) & (position == 0))
    at = chats.start[chat] + elapsed - elapsed[chat_first][chat]

    # Keep whole conversations, in random order, until there are enough.
    exists = at <= world.last_load
    per_chat = np.bincount(chat[exists], minlength=len(chats))
    shuffled = rng.permutation(len(chats))
    enough = np.cumsum(per_chat[shuffled]) <= wanted
    is_kept = np.zeros(len(chats), dtype=bool)
    is_kept[shuffled[enough]] = True
    rows = np.flatnonzero(exists & is_kept[chat])
    rows = rows[np.argsort(at[rows], kind="stable")]
    owner, part, chat, at = owner[rows], part[rows], chat[rows], at[rows]
    is_opening = (number[rows] == 0) & (position[rows] == 0)
    made = _dress(rng, world, chats, rounds, owner, part, chat, at, is_opening)

    chats.end = np.full(len(chats), -1, dtype=np.int64)
    np.maximum.at(chats.end, chat, at)
    chats.agent = np.full(len(chats), -1, dtype=np.int64)
    human = (part == REPLY) & ~rounds.is_robot[owner]
    chats.agent[chat[human]] = rounds.agent[owner[human]]
    return made


def _dress(
    rng: np.random.Generator,
    world: World,
    chats: Chats,
    rounds: _Rounds,
    owner: np.ndarray,
    part: np.ndarray,
    chat: np.ndarray,
    at: np.ndarray,
    is_opening: np.ndarray,
) -> Messages:
    """Give each message its role, sender, type, wording and flags."""
    size = len(owner)
    is_buyer = part == BUYER
    is_reply = part == REPLY
    by_robot = rounds.is_robot[owner]
    agent_in_charge = rounds.agent[owner]

    role = np.where(is_buyer, USER, MALL_CS).astype(np.int8)
    draw = rng.random(size)
    role[(part == TRANSFER) & (draw < 0.5)] = SYSTEM
    role[(part == HINT) & (draw < 0.2)] = SYSTEM
    role[(part == WITHDRAW) & (draw < 0.3)] = USER

    draw = rng.random(size)
    carries_uid = (
        (is_reply & ~by_robot)
        | ((part == TRANSFER) & (role == MALL_CS))
        | ((part == WITHDRAW) & (role == MALL_CS) & ~by_robot)
        | ((part == AUTO_REPLY) & (draw < 0.2))
    )
    agent = np.where(carries_uid, agent_in_charge, -1)
    agent = np.where(is_reply & by_robot, rounds.robot[owner], agent).astype(np.int32)
    template = np.zeros(size, dtype=np.int8)
    template[part == AUTO_REPLY] = AUTO_TEMPLATE
    template[is_reply & by_robot & (agent < 0)] = ROBOT_TEMPLATE

    draw = rng.random(size)
    assigned = np.where(is_buyer & (draw < 0.85) & ~by_robot, agent_in_charge, -1)
    assigned = np.where(
        is_buyer & by_robot & (draw < 0.5), rounds.robot[owner], assigned
    ).astype(np.int32)

    number = rounds.number[owner]
    is_closing = is_buyer & rounds.is_closing[owner]
    after_sale = chats.is_after_sale[chat]
    problem = chats.problem[chat]
    group = _buyer_groups(rng, number, is_opening, is_closing, after_sale, problem)
    module = np.array(texts.PROBLEM_MODULES + (5,))[problem]
    answer = np.where(
        number == 0,
        texts.GROUP["reply_greeting"],
        np.where(
            after_sale, texts.REPLY_GROUPS[module], texts.GROUP["reply_before_sale"]
        ),
    )
    answer = np.where(
        is_reply & rounds.is_closing[owner], texts.GROUP["reply_closing"], answer
    )
    answer = np.where(is_reply & by_robot, texts.GROUP["robot"], answer)
    group = np.select(
        [is_buyer, is_reply, part == AUTO_REPLY, part == TRANSFER, part == HINT],
        [
            group,
            answer,
            texts.GROUP["auto_reply"],
            texts.GROUP["transfer"],
            texts.GROUP["hint"],
        ],
        -1,
    ).astype(np.int16)

    # Message types: mostly text, then pictures, emoji, cards and videos.
    draw = rng.random(size)
    kind = np.select(
        [part == TRANSFER, part == HINT, part == WITHDRAW], [24, 31, 1002], 0
    )
    talks = (is_buyer | is_reply) & ~by_robot & ~is_closing
    kind = np.where(
        talks,
        np.select(
            [draw < 0.04, draw < 0.075, draw < 0.08, draw < 0.083, draw < 0.1],
            [1, 5, 14, np.where(is_buyer, 64, 8), np.where(is_buyer, 64, 1)],
            0,
        ),
        kind,
    )
    kind = np.where(is_opening & ~after_sale & (draw > 0.93), 41, kind)
    has_text = np.isin(kind, (0, 24, 31))
    group = np.where(has_text, group, -1).astype(np.int16)
    kind = np.where((kind == 0) & (rng.random(size) < 0.03), -1, kind)

    draw = rng.random(size)
    need_reply = np.where(draw < 0.35, 1, -1)
    need_reply = np.where(is_closing & (draw < 0.6), 0, need_reply)
    need_reply = np.where(is_buyer & (draw > 0.99), 0, need_reply)
    need_reply = np.where(is_buyer, need_reply, -1).astype(np.int8)

    draw = rng.random(size)
    spam = np.where(draw < 0.3, 0, -1)
    is_spam = is_buyer & (draw > 0.996) & has_text
    spam = np.where(is_spam, 1, spam).astype(np.int8)
    group = np.where(is_spam, texts.GROUP["spam"], group).astype(np.int16)

    draw = rng.random(size)
    has_card = is_buyer & (draw < np.where(is_opening, 0.45, 0.03))
    order = np.where(has_card, chats.order[chat], -1)
    order = np.where(is_buyer & (draw > 0.998), UNKNOWN_ORDER, order).astype(np.int32)

    # An upstream classifier has seen a few of the messages, not always with
    # a code that anybody knows.
    draw = rng.random(size)
    spoken = group < texts.PROBLEM_GROUPS
    code = np.where(
        is_buyer & spoken & (group >= 0) & (draw < 0.12), group.astype(np.int64), -1
    )
    strange = rng.integers(0, len(texts.STRANGE_CODES), size)
    code = np.where(
        is_buyer & (draw > 0.9975), len(texts.ALL_CODES) + strange, code
    ).astype(np.int16)
    return Messages(
        chat=chat.astype(np.int32),
        at=at,
        role=role,
        agent=agent,
        assigned=assigned,
        type=kind.astype(np.int16),
        template=template,
        group=group,
        text_seed=rng.integers(0, 2**62, size),
        need_reply=need_reply,
        is_spam=spam,
        order=order,
        problem_code=code,
    )


def _buyer_groups(
    rng: np.random.Generator,
    number: np.ndarray,
    is_opening: np.ndarray,
    is_closing: np.ndarray,
    after_sale: np.ndarray,
    problem: np.ndarray,
) -> np.ndarray:
    """What a buyer talks about in each message, shape (messages,).

    The text groups 0 .. PROBLEM_GROUPS - 1 are those of texts.ALL_CODES.
    """
    size = len(number)
    draw = rng.random(size)
    routine = len(texts.PROBLEM_CODES) + rng.integers(0, len(texts.ROUTINE_CODES), size)
    chance = np.where(number == 0, 0.75, 0.18)
    small_talk = np.where(
        after_sale, texts.GROUP["after_sale"], texts.GROUP["before_sale"]
    )
    group = np.where(draw > 0.95, routine, small_talk)
    group = np.where((problem >= 0) & (draw < chance), problem, group)
    rude = rng.choice(np.array(texts.ATTITUDE_GROUPS), size)
    group = np.where((number >= 2) & (draw > 0.935) & (draw < 0.95), rude, group)
    greets = is_opening & (rng.random(size) < 0.3)
    group = np.where(greets, texts.GROUP["greeting"], group)
    return np.where(is_closing, texts.GROUP["thanks"], group)
