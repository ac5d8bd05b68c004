"""Section 1: senders, replies, robot-only days, assessment, agents, shifts."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from .raw import DAY, HOUR, SECOND, day_number, day_of, read_seed

ROBOT_TEMPLATE = "mall_robot_text_msg"
AUTO_REPLY_TEMPLATE = "mall_answer_with_text"
SYSTEM_TYPES = (24, 31, 1002)
DAY_OPENS = 8 * HOUR
DAY_CLOSES = 23 * HOUR


@dataclass(slots=True, eq=False)
class Message:
    mall: str
    buyer: str
    msg_id: str
    sender: str
    sent_at: int
    cs_uid: str | None
    assigned: str | None
    asks: bool
    order_sn: str | None
    problem: str | None
    # What the conversation decides about a buyer's message:
    reply: Message | None = None
    is_round_start: bool = False
    is_assessed: bool = False
    is_assessed_all_day: bool = False
    responsible: str | None = None
    shift: str | None = None

    @property
    def day(self):
        return day_of(self.sent_at)

    @property
    def response(self):
        """Milliseconds to the reply."""
        return self.reply.sent_at - self.sent_at if self.reply else None


@dataclass(slots=True)
class BuyerDay:
    """What one buyer and the mall wrote to each other on one day."""

    mall: str
    buyer: str
    day: int
    messages: list[Message]
    asked: list[Message]
    written: list[Message]
    is_robot_only: bool

    @property
    def assessed(self):
        return [message for message in self.asked if message.is_assessed]

    def mall_wrote_after(self, moment_message):
        """An agent, a robot or an auto-reply after the given message."""
        position = self.messages.index(moment_message)
        return any(
            message.sender in ("agent", "robot", "auto_reply")
            for message in self.messages[position + 1 :]
        )


class Roster:
    """Who is a robot, and on which days."""

    def __init__(self, agents):
        self._robots = defaultdict(list)
        for row in agents:
            if row["is_robot"]:
                self._robots[row["mall_id"], row["cs_uid"]].append(row)

    def is_robot(self, mall, cs_uid, day):
        return any(
            is_valid_on(row, day) for row in self._robots.get((mall, cs_uid), ())
        )


def is_valid_on(row, day):
    starts, ends = row["valid_from"], row["valid_to"]
    return (starts is None or starts <= day) and (ends is None or day <= ends)


class Shifts:
    def __init__(self, agent_shifts, default_shifts):
        self._rostered = defaultdict(list)
        for row in agent_shifts:
            if row["shift_name"] is not None:
                self._rostered[row["mall_id"], row["cs_uid"]].append(row)
        self._defaults = [
            (
                row["shift_name"],
                _clock(row["start_time"]),
                _clock(row["end_time"]),
            )
            for row in default_shifts
        ]

    def at(self, mall, cs_uid, moment):
        on_duty = [
            row
            for row in self._rostered.get((mall, cs_uid), ())
            if row["start_at"] <= moment < row["end_at"]
        ]
        if on_duty:
            return max(on_duty, key=lambda row: row["start_at"])["shift_name"]
        clock = moment % DAY
        for name, starts, ends in self._defaults:
            if starts < ends and starts <= clock < ends:
                return name
            if ends <= starts and (clock >= starts or clock < ends):
                return name
        return None


def _clock(text):
    hours, minutes, seconds = (text + ":00")[:8].split(":")
    return int(hours) * HOUR + int(minutes) * 60 * SECOND + int(seconds) * SECOND


class Keywords:
    """The first pattern by priority that is found in a text."""

    def __init__(self, seed):
        ordered = sorted(seed, key=lambda row: int(row["priority"]))
        self._patterns = [
            (re.compile(row["pattern"], re.ASCII), row["problem_code"])
            for row in ordered
        ]
        self._known = {}

    def problem(self, text):
        if text is None:
            return None
        if text not in self._known:
            self._known[text] = next(
                (code for pattern, code in self._patterns if pattern.search(text)),
                None,
            )
        return self._known[text]


def sender_of(row, roster):
    role, kind = row["from_role"], row["type"] or 0
    if role == "system" or kind in SYSTEM_TYPES:
        return "system"
    if role == "user":
        return "system" if row["is_spam"] else "buyer"
    is_robot = row["cs_uid"] is not None and roster.is_robot(
        row["mall_id"], row["cs_uid"], day_of(row["ts"])
    )
    template = row["template_name"]
    by_template = template in (ROBOT_TEMPLATE, AUTO_REPLY_TEMPLATE)
    if row["cs_uid"] is not None and not is_robot and not by_template:
        return "agent"
    if template == ROBOT_TEMPLATE or is_robot:
        return "robot"
    return "auto_reply"


class Conversations:
    """All messages that count, paired, assessed and owned."""

    def __init__(self, sources, seeds_dir, settings):
        self.settings = settings
        self.roster = Roster(sources["agents"].current)
        self.shifts = Shifts(
            sources["agent_shifts"].current,
            read_seed(seeds_dir, "default_shifts"),
        )
        self.exempt_days = {
            day_number(row["date_day"]) for row in read_seed(seeds_dir, "exempt_dates")
        }
        keywords = Keywords(read_seed(seeds_dir, "problem_keywords"))
        conversations = defaultdict(list)
        for row in sources["messages"].current:
            message = self._message(row, keywords)
            if message.sender != "system":
                conversations[message.mall, message.buyer].append(message)

        self.by_buyer = {}
        self.buyer_days = {}
        for key in sorted(conversations):
            messages = conversations[key]
            messages.sort(key=lambda message: (message.sent_at, message.msg_id))
            self.by_buyer[key] = messages
            self._pair(messages)
            for buyer_day in _split_into_days(key, messages):
                self.buyer_days[*key, buyer_day.day] = buyer_day
                self._assess(buyer_day)
                self._assign(buyer_day)

    def _message(self, row, keywords):
        sender = sender_of(row, self.roster)
        problem = None
        if sender == "buyer":
            problem = row["problem_code"] or keywords.problem(row["content"])
        return Message(
            mall=row["mall_id"],
            buyer=row["buyer_uid"],
            msg_id=row["msg_id"],
            sender=sender,
            sent_at=row["ts"],
            cs_uid=row["cs_uid"],
            assigned=row["assigned_cs_uid"],
            asks=sender == "buyer" and row["need_reply"] is not False,
            order_sn=row["order_sn"],
            problem=problem,
        )

    def _pair(self, messages):
        """From the end backwards the next agent message is at hand."""
        horizon = self.settings.reply_horizon_hours * HOUR
        next_agent = None
        for message in reversed(messages):
            if message.sender == "agent":
                next_agent = message
            elif (
                message.sender == "buyer"
                and next_agent is not None
                and next_agent.sent_at - message.sent_at <= horizon
            ):
                message.reply = next_agent
        round_is_open = False
        for message in messages:
            if message.sender == "agent":
                round_is_open = False
            elif message.asks:
                message.is_round_start = not round_is_open
                round_is_open = True

    def _assess(self, buyer_day):
        by_round = self.settings.response_unit == "round"
        spared = buyer_day.is_robot_only and not self.settings.assess_robot_only_buyers
        for message in buyer_day.asked:
            message.is_assessed_all_day = (
                message.asks
                and buyer_day.day not in self.exempt_days
                and not spared
                and (message.is_round_start or not by_round)
            )
            message.is_assessed = (
                message.is_assessed_all_day
                and DAY_OPENS <= message.sent_at % DAY < DAY_CLOSES
            )

    def _assign(self, buyer_day):
        mall, day = buyer_day.mall, buyer_day.day
        last_writer = None
        for message in buyer_day.messages:
            if message.sender == "agent":
                last_writer = message.cs_uid
                message.shift = self.shifts.at(mall, message.cs_uid, message.sent_at)
            if message.sender != "buyer":
                continue
            if message.reply:
                message.responsible = message.reply.cs_uid
            elif message.assigned and not self.roster.is_robot(
                mall, message.assigned, day
            ):
                message.responsible = message.assigned
            else:
                message.responsible = last_writer
            message.shift = self.shifts.at(mall, message.responsible, message.sent_at)

    def all_asked(self):
        for buyer_day in self.buyer_days.values():
            yield from buyer_day.asked

    def agent_messages(self, mall, buyer):
        return [
            message
            for message in self.by_buyer.get((mall, buyer), ())
            if message.sender == "agent"
        ]


def _split_into_days(key, messages):
    days = defaultdict(list)
    for message in messages:
        days[message.day].append(message)
    for day, of_day in days.items():
        asked = [m for m in of_day if m.sender == "buyer"]
        written = [m for m in of_day if m.sender == "agent"]
        is_robot_only = False
        if asked and not written:
            after = of_day[of_day.index(asked[-1]) + 1 :]
            is_robot_only = any(m.sender == "robot" for m in after)
        yield BuyerDay(*key, day, of_day, asked, written, is_robot_only)


def consultations(conversations):
    """The buyer-days on which the buyer wrote."""
    return [day for day in conversations.buyer_days.values() if day.asked]


LATE_LIMITS = {
    "late_3min": 180 * SECOND,
    "late_5min": 300 * SECOND,
    "ineffective": 3_600 * SECOND,
}


def is_late(message, limit):
    return message.response is None or message.response > limit
