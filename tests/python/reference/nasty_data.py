"""Small raw data made of edge cases; every seed gives another lot.

    make(out_dir, seed, seeds_dir=None)

Twelve malls (eight of one category, three of another, one that no mall row
knows), 45 days, and on purpose: ties, exact limits and one millisecond past
them, robots by the roster, overlapping shifts, versions that tie, rows of
every rejected kind, late and repeated loads, in Parquet, CSV and JSON lines.
Some malls have few orders: compare with a low `score_min_orders`. Some feeds
stop, thin out or come back, and one mall closes early.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow
import pyarrow.parquet

from .raw import CONTRACTS, read_seed

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
DAYS = 45
EPOCH = datetime(1970, 1, 1)
LOCAL = 8 * HOUR
DEFAULT_START = date(2024, 1, 22)
# Texts that the project's own keywords are tried on.
EXAMPLES = Path(__file__).parents[1] / "fixtures" / "problem_keyword_examples.csv"

# Where limits lie, in milliseconds after a buyer's message.
REPLY_DELAYS = (
    [0, 1, 999, SECOND, 7 * SECOND, 29_999, 30 * SECOND, 30_001]
    + [60 * SECOND, 60_001, 179_999, 180 * SECOND, 180_001]
    + [299_999, 300 * SECOND, 300_001, 599_999, 600 * SECOND, 600_001]
    + [HOUR - 1, HOUR, HOUR + 1, 24 * HOUR - 1, 24 * HOUR, 24 * HOUR + 1]
)
CLOCKS = (
    [0, 1, DAY - 1, 8 * HOUR - 1, 8 * HOUR, 8 * HOUR + 1]
    + [23 * HOUR - 1, 23 * HOUR, 16 * HOUR, 16 * HOUR - 1]
    + [9 * HOUR, 15 * HOUR, 17 * HOUR, 17 * HOUR - 1, 22 * HOUR]
)
PROBLEMS = ["no_such_problem", "Unknown", None, None, None]
REASONS = ["nobody knows this reason", "其他", None]
TEXTS = ["你好", "在吗", "", "   ", "ok", "谢谢\n再见"]
BAD_ROLES = ["buyer", "USER", "", None]
# What was never landed: table, mall (or all), days and the share that was.
LOST = [
    ("messages", "m01", range(33, 39), 0.15),
    ("messages", "m02", range(26, 31), 0.0),
    ("orders", "m01", range(24, 30), 0.3),
    ("orders", "m03", range(24, DAYS), 0.0),
    ("refunds", None, range(25, 29), 0.0),
    ("complaints", None, range(36, DAYS), 0.0),
]
CHANNELS = ["platform_online_cs", "platform_hotline", "complaint"]
LIABILITIES = ["merchant"] * 5 + [None] * 5 + ["buyer", "platform", "none"]


class Maker:
    def __init__(self, out_dir, seed, seeds_dir, messages):
        self.out = Path(out_dir)
        self.random = random.Random(seed)
        self.message_count = messages
        self.rows = defaultdict(list)
        self.problems = list(PROBLEMS)
        self.reasons = list(REASONS)
        self.texts = list(TEXTS)
        self.problem_names = []
        self.start = DEFAULT_START
        if seeds_dir is not None:
            self._borrow(seeds_dir)
        self.begin = (self.start - EPOCH.date()).days * DAY
        # The as-of end comes from the last load: sometimes events lie after.
        last_day = self.pick([DAYS - 1, DAYS, DAYS + 10])
        self.last_load = self.begin - LOCAL + last_day * DAY + 10 * HOUR
        self.malls = [f"m{number:02d}" for number in range(1, 12)] + ["m99"]
        self.buyers = {
            mall: [f"b{n}" for n in range(self.random.randint(4, 14))]
            for mall in self.malls
        }
        self.agents = {
            mall: [f"{mall}_a{n}" for n in range(self.random.randint(1, 4))]
            for mall in self.malls
        }
        self.orders_of = defaultdict(list)
        self.replies = defaultdict(list)

    def _borrow(self, seeds_dir):
        """Codes, reasons, texts and the calendar of the project's seeds."""
        problems = self.problem_names = read_seed(seeds_dir, "problems")
        by_module = defaultdict(list)
        for row in problems:
            by_module[row["module"], row["is_quality"]].append(row)
        for rows in by_module.values():
            chosen = self.random.sample(rows, min(2, len(rows)))
            self.problems += [row["problem_code"] for row in chosen]
        routine = [
            row["problem_code"]
            for row in problems
            if row["is_routine"] in ("true", "1")
        ]
        self.problems = [p for p in self.problems if p not in routine]
        self.problems += routine[:1]
        reasons = [row["reason"] for row in read_seed(seeds_dir, "refund_reasons")]
        self.reasons += self.random.sample(reasons, min(8, len(reasons)))
        if EXAMPLES.exists():
            with EXAMPLES.open(encoding="utf-8", newline="") as handle:
                examples = [row["text"] for row in csv.DictReader(handle)]
            self.texts += self.random.sample(examples, min(40, len(examples)))
        exempt = [
            date.fromisoformat(row["date_day"])
            for row in read_seed(seeds_dir, "exempt_dates")
        ]
        exempt = [day for day in exempt if day.year >= 2016]
        if exempt:
            self.start = self.random.choice(exempt) - timedelta(days=20)

    # --- small choices ---

    def chance(self, share):
        return self.random.random() < share

    def pick(self, values):
        return self.random.choice(list(values))

    def pick_mall(self):
        """Some malls are busy, so that counts above one are no rarity."""
        return self.pick(self.malls[:3] if self.chance(0.4) else self.malls)

    def day_start(self, low=0, high=DAYS - 1):
        if self.chance(0.25):
            return self.begin + self.pick([18, 20, 21, 36]) * DAY
        return self.begin + self.random.randint(low, high) * DAY

    def moment(self):
        if self.chance(0.25):
            return self.day_start() + self.pick(CLOCKS)
        clock = self.random.randint(7 * HOUR, 24 * HOUR - 1)
        if self.chance(0.5):
            clock -= clock % SECOND
        return self.day_start() + clock

    def load_after(self, moment):
        """When the row was landed: soon, late, very late or just too early."""
        roll = self.random.random()
        landed = moment - LOCAL - DAY  # the earliest that is accepted
        if roll < 0.7:
            landed = moment - LOCAL + self.pick([0, MINUTE, HOUR, 5 * HOUR])
        elif roll < 0.9:
            landed = moment - LOCAL + self.random.randint(1, 5) * DAY
        elif roll < 0.97:
            landed = self.begin - LOCAL + DAYS * DAY + self.pick([0, HOUR])
        return min(landed, self.last_load)

    def unix(self, moment):
        """Unix seconds or milliseconds, as a number or as digits."""
        if moment is None:
            return self.pick([None, None, "", "0000-00-00 00:00:00"])
        utc = moment - LOCAL
        if utc % SECOND == 0 and self.chance(0.6):
            utc //= SECOND
        return self.pick([utc, str(utc)])

    def local_text(self, moment):
        if moment is None:
            return self.pick([None, "", "0000-00-00 00:00:00"])
        if moment % SECOND or self.chance(0.15):
            return self.unix(moment)
        text = str(EPOCH + timedelta(milliseconds=moment))
        return f"\t{text} " if self.chance(0.05) else text

    def loaded_text(self, utc):
        stamp = EPOCH + timedelta(milliseconds=utc)
        if self.chance(0.1):
            moved = stamp + timedelta(hours=8)
            return f"{moved:%Y-%m-%d %H:%M:%S}.{utc % SECOND:03d}+08:00"
        return f"{stamp:%Y-%m-%d %H:%M:%S}.{utc % SECOND:03d}"

    def padded(self, text):
        if text is not None and self.chance(0.04):
            return self.pick(["\t{}", " {} ", "{}\t\t", "{}  "]).format(text)
        return text

    def _iso(self, moment):
        return (EPOCH + timedelta(milliseconds=moment)).isoformat()

    def boolean(self, value):
        if value is None:
            return None
        words = (
            ["true", "T", "yes", "1", "TRUE"] if value else ["false", "F", "No", "0"]
        )
        return self.pick(words)

    def flag(self, share):
        """True with the share given, else false or unset or unreadable."""
        if self.chance(share):
            return self.boolean(True)
        return self.pick([self.boolean(False), None, None, "maybe"])

    def unset(self, default, share=0.5):
        """A default value said aloud or left out."""
        return None if self.chance(share) else default

    def add(self, table, row, loaded_utc, again=0.04):
        loaded_utc = min(loaded_utc, self.last_load)
        row = {**row, "_loaded_at": self.loaded_text(loaded_utc)}
        row["_source_file"] = "nasty"
        row["#load_date"] = str((EPOCH + timedelta(milliseconds=loaded_utc)).date())
        if self.chance(0.02):
            # The folder disagrees with the row: the folder's name wins.
            row["#load_date"] = str(self.start + timedelta(days=DAYS + 1))
        self.rows[table].append(row)
        if self.chance(again):
            copy = dict(row)
            later = loaded_utc + self.pick([0, 0, DAY, 2 * DAY])
            later = min(later, self.last_load)
            copy["_loaded_at"] = self.loaded_text(later)
            copy["#load_date"] = self.pick([row["#load_date"], str(self.start)])
            self.rows[table].append(copy)

    # --- rosters ---

    def make_rosters(self):
        load = self.begin - LOCAL - 10 * DAY
        for number, mall in enumerate(self.malls[:11]):
            category = "cat_a" if number < 8 else "cat_b"
            row = {
                "mall_id": self.padded(mall),
                "mall_name": f"Shop {mall}",
                "merchant_type": self.pick([1, 6, "x", None]),
                "category_name": category,
                "opened_on": self.pick(["2020-01-01", None, "soon"]),
            }
            self.add("malls", row, load)
            if self.chance(0.2):
                newer = {**row, "mall_name": f"New {mall}"}
                self.add("malls", newer, load + DAY)
        for mall in self.malls:
            for agent in self.agents[mall]:
                if self.chance(0.8):
                    self._add_agent(mall, agent, load)
            self._add_robot(mall, load)
            for agent in self.agents[mall]:
                self._add_shifts(mall, agent, load)
        self._add_excluded(load)

    def _date_text(self, day_offset):
        if day_offset is None:
            return self.pick([None, "", "never"])
        day = str(self.start + timedelta(days=day_offset))
        if self.chance(0.1):
            # A time is cut; with a T, or impossible, nothing can be read.
            day += self.pick([" 00:00:00", " 13:45:00.5", "T00:00:00", " 24:00:00"])
        return day

    def _add_agent(self, mall, agent, load):
        for _ in range(self.pick([1, 1, 2])):
            row = {
                "mall_id": mall,
                "cs_uid": self.padded(agent),
                "cs_name": f"{agent} {self.random.randint(1, 9)}",
                "agent_role": self.pick(["pre_sales", "after_sales", "both"]),
                "is_robot": self.flag(0.05),
                "valid_from": self._date_text(self.pick([None, -5, 10])),
                "valid_to": self._date_text(self.pick([None, 9, 60])),
            }
            self.add("agents", row, load, again=0.2)

    def _add_robot(self, mall, load):
        """A robot with a name of its own, on some days a human."""
        first, last = self.pick([(None, None), (10, 30), (None, 20), (21, None)])
        row = {
            "mall_id": mall,
            "cs_uid": f"{mall}_robot",
            "cs_name": "Robot",
            "agent_role": None,
            "is_robot": self.boolean(True),
            "valid_from": self._date_text(first),
            "valid_to": self._date_text(last),
        }
        self.add("agents", row, load)

    def _add_shifts(self, mall, agent, load):
        for _ in range(self.random.randint(0, 14)):
            start = self.day_start() + self.pick([7, 8, 9, 15, 16, 22]) * HOUR
            end = start + self.pick([1, 8, 9, 10, 26]) * HOUR
            row = {
                "mall_id": mall,
                "cs_uid": agent,
                "shift_name": self.pick(["早班", "中班", "晚班", "周末班"]),
                "start_at": self.local_text(start),
                "end_at": self.local_text(end),
            }
            self.add("agent_shifts", row, load, again=0.1)
        broken = {
            "mall_id": mall,
            "cs_uid": agent,
            "shift_name": "早班",
            "start_at": self.local_text(self.begin),
            "end_at": self.pick(["", "later", self.local_text(self.begin)]),
        }
        if self.chance(0.2):
            self.add("agent_shifts", broken, load)

    def _add_excluded(self, load):
        for _ in range(9):
            mall = self.pick(self.malls)
            row = {
                "mall_id": self.pick([mall, mall, mall, mall, None, " "]),
                "buyer_uid": self.padded(self.pick(self.buyers[mall])),
                "valid_from": self._date_text(self.pick([None, 5, 20])),
                "valid_to": self._date_text(self.pick([None, 4, 20, 22])),
            }
            self.add("excluded_buyers", row, load, again=0.2)
        self.add("excluded_buyers", {"mall_id": "m01", "buyer_uid": " "}, load)

    # --- conversations ---

    def make_messages(self):
        self.message_number = 0
        while len(self.rows["messages"]) < self.message_count:
            self._add_episode()
        self._add_bad_messages()

    def _say(self, mall, buyer, moment, **said):
        self.message_number += 1
        # Lengths differ, so that text order is not number order.
        name = self.pick(["{}", "{:06d}", "x{}"]).format(self.message_number)
        row = {
            "mall_id": self.padded(mall),
            "msg_id": self.padded(name),
            "buyer_uid": self.padded(buyer),
            "from_role": said.pop("role"),
            "cs_uid": said.pop("cs_uid", None),
            "assigned_cs_uid": said.pop("assigned", None),
            "type": said.pop("type", self.pick([0, None, 1, 14, 64, "abc"])),
            "template_name": said.pop("template", None),
            "content": said.pop("content", None),
            "ts": self.unix(moment),
            "need_reply": said.pop("need_reply", None),
            "is_spam": said.pop("is_spam", None),
            "order_sn": said.pop("order_sn", None),
            "problem_code": said.pop("problem", None),
            "#moment": moment,
        }
        assert not said
        loaded = self.load_after(moment)
        self.add("messages", row, loaded)
        if self.chance(0.02):
            # A second version: newer, or tied and decided by its text.
            other = {**row, "content": self.pick(self.texts), "type": 0}
            self.add("messages", other, loaded + self.pick([0, HOUR]))

    def _add_episode(self):
        """One exchange: a few lines of the buyer, perhaps an answer."""
        mall = self.pick_mall()
        if self.chance(0.02):
            self._add_rush(mall)
            return
        buyer = self.pick(self.buyers[mall])
        moment = self.moment()
        for _ in range(self.pick([1, 1, 2, 3])):
            self._buyer_says(mall, buyer, moment)
            moment += self.pick([0, 0, 1, SECOND, 20 * SECOND, HOUR])
        moment -= moment % self.pick([1, SECOND])
        style = self.random.random()
        if style < 0.12:
            self._machine_says(mall, buyer, moment + self.pick([-1, 0, 1, SECOND]))
        elif style < 0.2:
            return
        else:
            if self.chance(0.15):
                self._machine_says(mall, buyer, moment)
            agent = self.pick(self.agents[mall])
            if self.chance(0.05):
                agent = f"{mall}_robot"
            reply_at = moment + self.pick(REPLY_DELAYS)
            for _ in range(self.pick([1, 1, 2, 3])):
                self._agent_says(mall, buyer, reply_at, agent)
                reply_at += self.pick(
                    [0, SECOND, 599_999, 600 * SECOND, 600_001, 5 * MINUTE]
                )

    def _add_rush(self, mall):
        """One agent and many buyers at once, with gaps about ten minutes."""
        agent = self.pick(self.agents[mall])
        moment = self.moment()
        for buyer in self.buyers[mall]:
            said_at = moment + self.pick([0, 0, 5 * MINUTE, 10 * MINUTE])
            for _ in range(self.random.randint(0, 3)):
                self._agent_says(mall, buyer, said_at, agent)
                said_at += self.pick([1, 599_999, 600 * SECOND, 600_001])

    def _buyer_says(self, mall, buyer, moment):
        orders = self.orders_of[mall, buyer] or [None]
        other_mall = self.pick(self.malls)
        elsewhere = [
            number
            for (owner, _), numbers in self.orders_of.items()
            if owner == other_mall
            for number in numbers
        ] or [None]
        self._say(
            mall,
            buyer,
            moment,
            role="user",
            assigned=self.pick(
                [None, None, *self.agents[mall], f"{mall}_robot", "ghost"]
            ),
            content=self.pick(self.texts),
            need_reply=self.pick([None, None, "true", "1", "F", "no", "?"]),
            is_spam=self.boolean(True) if self.chance(0.03) else None,
            order_sn=self.padded(
                self.pick(
                    [None] * 9
                    + [self.pick(orders) for _ in range(9)]
                    + [self.pick(elsewhere), "no-such-order"]
                )
            ),
            problem=self.pick([None, None, self.pick(self.problems)]),
            **({"type": self.pick([24, 1002])} if self.chance(0.02) else {}),
        )

    def _agent_says(self, mall, buyer, moment, agent):
        self.replies[mall, buyer].append(moment)
        odd = {}
        if self.chance(0.03):
            odd["type"] = self.pick([24, 31, 1002])
        if self.chance(0.03):
            odd["template"] = self.pick(
                ["mall_robot_text_msg", "mall_answer_with_text", "other"]
            )
        self._say(
            mall,
            buyer,
            moment,
            role="mall_cs",
            cs_uid=self.padded(agent),
            content="亲, 在的",
            **odd,
        )

    def _machine_says(self, mall, buyer, moment):
        kind = self.pick(["robot", "robot", "auto", "roster", "none", "system"])
        templates = {
            "robot": "mall_robot_text_msg",
            "auto": "mall_answer_with_text",
        }
        self._say(
            mall,
            buyer,
            moment,
            role="system" if kind == "system" else "mall_cs",
            cs_uid=f"{mall}_robot" if kind == "roster" else None,
            template=templates.get(kind),
        )

    def _add_bad_messages(self):
        good = self.rows["messages"][0]
        fresh = self.loaded_text(self.begin - LOCAL + 3 * DAY)
        base = {**good, "_loaded_at": fresh, "#load_date": str(self.start)}
        del base["#moment"]
        moment = self.begin + 3 * DAY
        changes = [
            {"mall_id": " \t"},
            {"mall_id": None},
            {"msg_id": ""},
            {"buyer_uid": None},
            {"_loaded_at": None},
            {"_loaded_at": "yesterday"},
            {"ts": None},
            {"ts": "soon"},
            {"ts": str(moment - LOCAL + DAY + 1)},
            {"ts": 1_000_000_000},
            {"ts": "1441036799"},
            {"ts": self._iso(moment)},
            {"ts": f"{EPOCH + timedelta(milliseconds=moment)}+08:00"},
            {"ts": f"{EPOCH + timedelta(milliseconds=moment)} Z"},
            # Times and types that can be read, and types that cannot.
            {"ts": f"{EPOCH + timedelta(milliseconds=moment)}.5678"},
            {"_loaded_at": f"{self._iso(self.begin + 3 * DAY)}.25 +0800"},
            {"type": "+24.00"},
            {"type": "2.4e1"},
            {"type": "24.5"},
            {"type": 2**31 + 24},
            *({"from_role": role} for role in BAD_ROLES),
        ]
        for number, change in enumerate(changes):
            row = {**base, "msg_id": f"bad{number}", "ts": moment - LOCAL}
            self.rows["messages"].append({**row, **change})
        # On the very first moment of the platform: accepted. Only some lots
        # have it, because it moves the warehouse's first day.
        first = {**base, "msg_id": "first", "ts": 1_441_036_800}
        first |= {"mall_id": "m98", "from_role": "user", "type": 0}
        if self.chance(0.4):
            self.rows["messages"].append(first)

    # --- orders and refunds ---

    def plan_orders(self, count):
        """Numbers first: messages refer to orders that are made later."""
        self.plan = []
        for number in range(count):
            mall = self.pick_mall()
            buyer = self.pick([*self.buyers[mall], "silent"])
            order_sn = f"{240000 + number}-{self.random.randint(1, 99999)}"
            self.plan.append((mall, buyer, order_sn))
            self.orders_of[mall, buyer].append(order_sn)

    def _message_moments(self):
        """(mall, buyer) to the moments of messages, to aim at exactly."""
        moments = defaultdict(list)
        for row in self.rows["messages"]:
            stamp = str(row["ts"] or "")
            if row["mall_id"] and row["buyer_uid"] and stamp.isdigit():
                value = int(stamp)
                value = value * SECOND if value < 10**11 else value
                key = row["mall_id"].strip(), row["buyer_uid"].strip()
                moments[key].append(value + LOCAL)
        return moments

    def make_orders(self):
        moments = self._message_moments()
        self.confirmed = {}
        for mall, buyer, order_sn in self.plan:
            near = moments.get((mall, buyer))
            anchor = self.pick(near) if near and self.chance(0.8) else self.moment()
            if self.chance(0.35):
                anchor -= self.random.randint(0, 20) * DAY
            created = anchor + self.pick([0, 0, 1, -1, MINUTE, -HOUR, DAY])
            paid = created + self.pick([0, 1, MINUTE, HOUR])
            confirmed = paid + self.pick([0, 1, MINUTE, HOUR, DAY, 2 * DAY])
            if self.chance(0.3):
                confirmed = max(created, anchor)
            received = confirmed + self.random.randint(0, 9) * DAY
            group = self.pick([1] * 8 + [0, 2, None, "one"])
            row = {
                "mall_id": self.padded(mall),
                "order_sn": self.padded(order_sn),
                "buyer_uid": None if self.chance(0.05) else self.padded(buyer),
                "created_time": self.local_text(created),
                "pay_time": self.local_text(paid if self.chance(0.93) else None),
                "confirm_time": self.local_text(
                    confirmed if self.chance(0.95) else None
                ),
                "shipping_time": self.local_text(None),
                "receive_time": self.pick([self.local_text(received), None, "unknown"]),
                "updated_at": self.local_text(confirmed),
                "order_status": self.pick([1, 2, 3, None]),
                "group_status": group,
                "confirm_status": self.pick([1] * 12 + [0, 2]),
                "refund_status": self.pick([1, 4, None]),
                "after_sales_status": self.pick([0, None]),
                "risk_control_status": self.pick([0] * 8 + [None] * 4 + [1]),
                "is_lucky_flag": self.pick([1] * 9 + [None] * 4 + [2]),
                "goods_id": "g1",
                "goods_count": self.pick([1, 1, 2, "3", None, ""]),
                "goods_amount": self.pick(["12.5", "n/a", None]),
                "discount_amount": None,
                "postage": self.pick([0, "0.00", None]),
                "pay_amount": self.pick(
                    [f"{self.random.randint(0, 90000) / 100:.2f}", " 9.9 ", 12, ""]
                ),
                "#moment": created,
            }
            self.confirmed[order_sn] = confirmed
            loaded = self.load_after(max(created, confirmed))
            self._add_order_versions(row, confirmed, loaded)
        self._add_bad_orders()

    def _add_order_versions(self, row, confirmed, loaded):
        self.add("orders", row, loaded)
        roll = self.random.random()
        if roll < 0.1:
            newer = {**row, "updated_at": self.local_text(confirmed + HOUR)}
            newer["group_status"] = self.pick([1, 2])
            # The newer state may have been landed first.
            self.add("orders", newer, loaded - self.pick([0, HOUR, -HOUR]))
        elif roll < 0.15:
            tied = {**row, "pay_amount": "10.00", "is_lucky_flag": 2}
            self.add("orders", tied, loaded)
        elif roll < 0.2:
            oldest = {**row, "updated_at": self.pick([None, "", "bad"])}
            oldest["group_status"] = 0
            self.add("orders", oldest, loaded + 2 * DAY)
        elif roll < 0.22:
            broken = {**row, "pay_amount": "-1"}
            broken["updated_at"] = self.local_text(confirmed + 9 * HOUR)
            self.add("orders", broken, loaded + DAY)

    def local_day(self):
        return EPOCH.date() + timedelta(milliseconds=self.begin)

    def _add_bad_orders(self):
        base = dict(self.rows["orders"][0])
        del base["#moment"]
        base["created_time"] = self.local_text(self.begin)
        base["_loaded_at"] = self.loaded_text(self.begin + DAY)
        base["#load_date"] = str(self.start)
        changes = [
            {"order_sn": " "},
            {"order_sn": None},
            {"mall_id": ""},
            {"_loaded_at": ""},
            {"created_time": ""},
            {"created_time": "2024-02-30 00:00:00"},
            {"created_time": "2099-01-01 00:00:00"},
            {"created_time": "2015-08-31 23:59:59"},
            {"pay_amount": "-0.01"},
            {"pay_amount": "twelve"},
            {"goods_count": -1},
            {"goods_count": "many"},
            {"goods_count": -1, "created_time": None},
            {"created_time": self._iso(self.begin)},
            {"created_time": f"{self.local_day()} 08:00:00+08"},
            {"pay_amount": "1000000000000"},
            {"pay_amount": "-1e12"},
            {"goods_count": 2**31},
            {"goods_count": "2e0"},
            {"goods_count": "1.5"},
            # What can still be read; not grouped, so that one order does not
            # drown the sums of its mall.
            {"pay_amount": "999999999999.99", "group_status": 0},
            {"pay_amount": "+1.25e2", "goods_count": "+2.00"},
            {"goods_count": 2**31 - 1, "group_status": 0},
            {"created_time": f"{self.local_day()} 08:00:00.5"},
            {"goods_amount": "1e12", "postage": "-1e12", "order_status": "1e0"},
        ]
        for number, change in enumerate(changes):
            row = {**base, "order_sn": f"bad-{number}", **change}
            self.rows["orders"].append(row)

    def make_refunds(self, count):
        for number in range(count):
            mall, buyer, order_sn = self.pick(self.plan[: len(self.plan) // 2])
            confirmed = self.confirmed[order_sn]
            created = confirmed + self.pick(
                [0, 0, -1, HOUR, DAY, 3 * DAY, 4 * DAY, 10 * DAY, 15 * DAY]
            )
            if self.chance(0.3) and self.replies[mall, buyer]:
                # At an answer, or 72 h before it, to the millisecond.
                created = self.pick(self.replies[mall, buyer]) - self.pick(
                    [-1, 0, 1, 72 * HOUR - 1, 72 * HOUR, 72 * HOUR + 1]
                )
            status = self.pick([0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 11, 12, 13])
            updated = created + self.pick([0, HOUR, DAY, 3 * DAY])
            landed_success = updated if self.chance(0.1) else None
            signed = created + self.pick(
                [18 * HOUR, 18 * HOUR - 1, 18 * HOUR + 1, -DAY, HOUR]
            )
            row = {
                "mall_id": self.padded(mall if self.chance(0.97) else "m01"),
                "id": self.padded(f"r{number}"),
                "order_sn": self.pick([order_sn] * 30 + ["nowhere", None]),
                "buyer_uid": self.pick([None, None, buyer, "someone"]),
                "after_sales_type": self.pick([1, 2, 3, None]),
                "after_sales_status": status,
                "after_sale_reason": self.padded(self.pick(self.reasons)),
                "problem_code": self.pick([None, self.pick(self.problems)]),
                "created_time": self.unix(created),
                "recreated_at": self.unix(None),
                "updated_time": self.unix(updated),
                "refund_success_time": self.unix(landed_success),
                "refund_amount": self.pick([1, "5.55", 3.5, ""]),
                "dispute_refund_status": self.pick([0, None, 0, 1]),
                "join_or_not": self.pick([0, None, 0, 1]),
                "liability": self.pick(LIABILITIES),
                "sign_time": self.unix(signed if self.chance(0.6) else None),
                "#moment": created,
            }
            loaded = self.load_after(max(created, updated))
            self.add("refunds", row, loaded)
            if self.chance(0.25):
                moved = {**row, "after_sales_status": self.pick([9, 10, 11, 2])}
                moved["updated_time"] = self.unix(
                    self.pick([None, updated + DAY, updated - MINUTE, updated])
                )
                moved["join_or_not"] = self.pick([0, 1])
                self.add("refunds", moved, loaded + self.pick([0, HOUR]))
        base = dict(self.rows["refunds"][0])
        del base["#moment"]
        base["_loaded_at"] = self.loaded_text(self.begin + (DAYS + 30) * DAY)
        for number, change in enumerate(
            [
                {"id": " "},
                {"liability": "seller"},
                {"refund_amount": "-3"},
                {"refund_amount": "x"},
                {"refund_amount": "1000000000000.00"},
                {"created_time": ""},
                {"created_time": 99_999_999_999},
                {"created_time": 100_000_000_000},
                {"mall_id": None, "liability": "seller"},
            ]
        ):
            row = {**base, "id": f"bad{number}", **change}
            self.rows["refunds"].append(row)

    # --- complaints, ratings, reviews ---

    def make_opinions(self, complaints):
        for number in range(complaints):
            mall = self.pick_mall()
            buyer = self.pick(self.buyers[mall])
            orders = self.orders_of[mall, buyer] or [None]
            order_sn = self.pick([self.pick(orders), None, "nowhere"])
            moment = self.moment()
            if order_sn in self.confirmed and self.chance(0.6):
                # On the limits of the order's grouping and of its period.
                moment = self.confirmed[order_sn] + self.pick([-1, 0, 1, DAY])
                order_sn = self.pick([order_sn, None])
            elif order_sn is None and orders[0] is not None:
                confirmed = self.confirmed[self.pick(orders)]
                moment = (
                    confirmed
                    - confirmed % DAY
                    + self.pick([16 * DAY - 1, 16 * DAY, 20 * DAY])
                )
            row = {
                "complaint_id": self.padded(f"c{number}"),
                "mall_id": self.padded(mall),
                "buyer_uid": self.padded(buyer),
                "order_sn": self.padded(order_sn),
                "cs_uid": self.pick([None, *self.agents[mall], "ghost"]),
                "channel": self.pick(CHANNELS),
                "problem_code": self.pick(self.problems),
                "created_time": self.unix(moment),
                "is_valid": self.pick([None, "true", "1", "0", "F", "?"]),
                "liability": self.pick(LIABILITIES),
                "#moment": moment,
            }
            self.add("complaints", row, self.load_after(moment))
        base = dict(self.rows["complaints"][0])
        del base["#moment"]
        for number, change in enumerate(
            [
                {"channel": "phone"},
                {"channel": None},
                {"buyer_uid": ""},
                {"liability": "Merchant"},
                {"created_time": "x"},
                {"complaint_id": "\t"},
            ]
        ):
            row = {**base, "complaint_id": f"bad{number}", **change}
            self.rows["complaints"].append(row)
        for number in range(complaints):
            self._add_rating(number)
            self._add_review(number)

    def _add_rating(self, number):
        mall, moment = self.pick_mall(), self.moment()
        row = {
            "rating_id": f"t{number}",
            "mall_id": mall,
            "buyer_uid": self.pick(self.buyers[mall]),
            "cs_uid": self.pick([None, *self.agents[mall]]),
            "order_sn": None,
            "score": self.pick(
                [1, 1, 2, 2, 3, 3, "4", 4, 5, 5, 0, 6, "good", None, 4.5]
            ),
            "created_time": self.unix(moment),
        }
        self.add("ratings", row, self.load_after(moment))

    def _add_review(self, number):
        mall = self.pick(self.malls)
        offset = self.random.randint(0, DAYS - 1)
        moment = self.begin + offset * DAY
        marks = [1, 5, 7.5, "8", 10, None, "n/a"]
        row = {
            "review_id": f"q{number}",
            "mall_id": mall,
            "cs_uid": self.pick(self.agents[mall]),
            "buyer_uid": None,
            "service_date": self._date_text(offset),
            "problem_solving": self.pick(marks),
            "communication": self.pick([*marks, *marks, 0, 10.5]),
            "professionalism": self.pick(marks) if self.chance(0.5) else None,
            "after_sales": self.pick(marks) if self.chance(0.3) else None,
        }
        if self.chance(0.03):
            row["service_date"] = self.pick(["", "someday", "2010-01-01"])
        self.add("quality_reviews", row, self.load_after(moment))

    # --- the platform's own figures ---

    def make_officials(self, reports, pages):
        for _ in range(reports):
            self._add_report()
        for _ in range(pages):
            self._add_score_page()
        self._add_bad_officials()

    def _printed(self, offset):
        """A day; sometimes of more days than there are."""
        return str(self.start + timedelta(days=offset))

    def _add_report(self):
        """A report of some days: the shop, the mean, accounts of all spellings."""
        mall = self.pick_mall()
        length = self.pick([1, 1, 2, 7, 30])
        first = self.random.randint(0, DAYS - length + 3)
        last = first + length - 1
        roster = [row for row in self.rows["agents"] if row["mall_id"] == mall]
        accounts = [None, None]
        for row in self.random.sample(roster, min(5, len(roster))):
            spelling = self.pick(["{}", "{}", "店铺:{}", "旗舰店:二店： {}", "{}x"])
            name = self.pick([row["cs_name"], row["cs_uid"].strip()])
            accounts.append(spelling.format(name))
        accounts += [self.pick(self.agents[mall]), f"ghost {mall}"]
        loaded = self.begin - LOCAL + (last + self.pick([1, 1, 2, 4, 9])) * DAY
        loaded += self.pick([0, 0, 1, HOUR])
        for place, account in enumerate(accounts):
            kind = ("mall_total", "mall_average")[place] if place < 2 else "agent"
            row = {
                "mall_id": self.padded(mall),
                "period_start": self._printed(first),
                "period_end": self._printed(last),
                "row_type": kind,
                "cs_account": account if kind == "agent" else self.pick([None, "总计"]),
                **self._reported(),
            }
            self.add("official_agent_kpi", row, loaded, again=0.1)
            if self.chance(0.1):
                # Corrected: a later export, of the same rows.
                newer = {**row, **self._reported()}
                self.add("official_agent_kpi", newer, loaded + self.pick([0, 3 * DAY]))
        for row in self.random.sample(roster, min(2, len(roster))):
            if self.chance(0.5):
                # Exported again or before: an agent by any of his names, alone.
                other = self.pick([row["cs_name"], row["cs_uid"].strip()])
                again = {
                    "mall_id": mall,
                    "period_start": self._printed(first),
                    "period_end": self._printed(last),
                    "row_type": "agent",
                    "cs_account": other,
                    **self._reported(),
                }
                moved = self.pick([0, -HOUR, 1, 2 * DAY])
                self.add("official_agent_kpi", again, loaded + moved)

    def _reported(self):
        """The figures of one row of a report."""
        counts = (
            *("consult_buyers", "inquiry_buyers", "inquiry_lost_buyers"),
            *("final_group_buyers", "need_human_buyers", "received_buyers"),
            *("late_buyers_3min", "rating_count", "low_rating_count"),
            *("dispute_refund_count", "complaint_count"),
        )
        rates = (
            *("inquiry_conversion_rate", "reply_rate_3min", "reply_rate_30s"),
            *("reply_rate_3min_all_day", "reply_rate_30s_all_day"),
            "low_rating_rate",
        )
        row = {
            name: self.pick([0, 0, 1, 1, 2, "3", 4.0, None, "8.5", 2**31])
            for name in counts
        }
        row |= {
            name: self.pick(
                [0, 1, "1", 0.5, "0.3333", "0.6667", None, "97%", "97.78", -0.1]
            )
            for name in rates
        }
        row |= {
            name: self.pick([0, 0, "9.90", " 12 ", "120.5", None, "much"])
            for name in ("sales_amount", "net_sales_amount", "improvable_sales_amount")
        }
        row["service_score"] = self.pick([None, 88.5, "91", "n/a"])
        row["avg_response_seconds"], row["avg_response_printed"] = self.pick(
            [(9, "9秒"), ("22.2", "0.37 分钟"), (3600, "1小时"), (30, "30"), (61, None)]
            + [(125, "2分"), (None, "--"), ("soon", "很快"), (1800, "0.5 时")]
        )
        return row

    def _add_score_page(self):
        mall, offset = self.pick_mall(), self.random.randint(20, DAYS + 1)
        names = ["服务态度", "基础服务", "商品服务", "发货服务", "物流服务"]
        hot = [row["name_zh"] for row in self.problem_names] or ["商品破损"]
        values = [
            ("experience_score", None, [3.5, "4.1", 5]),
            ("experience_score", "总分", [3.5]),
            ("peer_rank", None, [0.25, 1, "32.08", -0.01]),
            ("change_7d", None, [0, -0.1, "0.02"]),
            ("platform_help_rate", None, [0, 0, "0.05", 0.1, 1, 1.01]),
            *(("module_score", name, [5, 2.5, "0", 3.75]) for name in [*names, None]),
            ("module_score", "价格", [5]),
        ]
        for name in [*self.random.sample(hot, min(6, len(hot))), None, "不认识"]:
            values.append(("problem_help_orders", name, [0, 1, "1", 2]))
            values.append(("problem_share", name, [0, 0.5, "1", 0.3333]))
        loaded = self.begin - LOCAL + (offset + self.pick([1, 2, 5])) * DAY
        for measure, name, choices in values:
            if self.chance(0.2):
                continue
            row = {
                "mall_id": mall,
                "as_of_date": self._printed(offset),
                "measure": measure,
                "name": self.padded(name),
                "value": self.pick(choices),
            }
            self.add("official_experience_score", row, loaded, again=0.1)
            if self.chance(0.1):
                newer = {**row, "value": self.pick(choices)}
                self.add("official_experience_score", newer, loaded + DAY)

    def _add_bad_officials(self):
        days = {
            "": "missing",
            "someday": "unreadable",
            "2099-01-01": "future",
            "2015-08-31": "before",
        }
        changes = {
            "official_agent_kpi": [
                *({"period_end": day} for day in days),
                {"row_type": " "},
                {"row_type": "agents"},
                {"row_type": "agent", "cs_account": None},
                {"mall_id": ""},
                {"_loaded_at": None},
                {"period_start": None},
                {"period_start": "2098-12-31"},
                # What is accepted: an account of a shop's row says nothing.
                {"row_type": "mall_total", "cs_account": "two"},
            ],
            "official_experience_score": [
                *({"as_of_date": day} for day in days),
                {"measure": None},
                {"measure": "Experience score"},
                {"mall_id": None},
                {"_loaded_at": "later"},
                {"value": None},
                {"value": "--"},
            ],
        }
        for table, broken in changes.items():
            for change in broken:
                self.rows[table].append({**self.rows[table][0], **change})

    # --- what was never landed ---

    def close_a_mall(self):
        """A mall whose every source ends long before the others'."""
        base = dict(self.rows["orders"][0])
        for number in range(32):
            created = self.begin + number // 4 * DAY + 12 * HOUR
            row = {
                **base,
                "mall_id": "m97",
                "order_sn": f"closed-{number}",
                "created_time": self.local_text(created),
                "pay_time": None,
                "confirm_time": None,
                "updated_at": self.local_text(created),
                "#moment": created,
            }
            self.add("orders", row, created - LOCAL)

    def lose_rows(self):
        for table, mall, days, kept in LOST:
            self.rows[table] = [
                row
                for row in self.rows[table]
                if not self._lies_in(row, mall, days) or self.chance(kept)
            ]

    def _lies_in(self, row, mall, days):
        if "#moment" not in row:
            return False
        return (row["#moment"] - self.begin) // DAY in days and (
            mall is None or row["mall_id"].strip() == mall
        )

    # --- writing ---

    def write(self):
        for table in CONTRACTS:
            rows = self.rows[table]
            folders = defaultdict(list)
            for row in rows:
                folders[row["#load_date"]].append(row)
            for load_date, landed in folders.items():
                self.random.shuffle(landed)
                folder = self.out / table / f"load_date={load_date}"
                folder.mkdir(parents=True, exist_ok=True)
                middle = self.random.randint(0, len(landed))
                for number, part in enumerate((landed[:middle], landed[middle:])):
                    if part:
                        self._write_part(table, folder / f"part-{number}", part)

    def _write_part(self, table, path, rows):
        names = [*CONTRACTS[table].columns, "_loaded_at", "_source_file"]
        optional = set(names) - set(CONTRACTS[table].required) - {"_loaded_at"}
        for name in list(names):
            is_unset = all(row.get(name) is None for row in rows)
            # Optional columns may be missing altogether.
            if name in optional and is_unset and self.chance(0.5):
                names.remove(name)
        names.append("extra_column")
        records = [{name: row.get(name) for name in names} for row in rows]
        writer = self.pick([write_parquet, write_csv, write_json_lines])
        writer(path, names, records)


def write_parquet(path, names, records):
    """Text columns, but whole columns of numbers as numbers."""
    columns = {}
    for name in names:
        values = [record[name] for record in records]
        kinds = {type(value) for value in values if value is not None}
        if len(kinds) > 1:
            values = [None if v is None else str(v) for v in values]
            columns[name] = pyarrow.array(values, pyarrow.string())
        elif kinds == {int}:
            columns[name] = pyarrow.array(values, pyarrow.int64())
        elif kinds == {float}:
            columns[name] = pyarrow.array(values, pyarrow.float64())
        elif name == "_loaded_at" and all(map(_is_plain_stamp, values)):
            columns[name] = pyarrow.array(
                [datetime.fromisoformat(value) for value in values],
                pyarrow.timestamp("us"),
            )
        else:
            columns[name] = pyarrow.array(values, pyarrow.string())
    table = pyarrow.table(columns)
    pyarrow.parquet.write_table(table, path.with_suffix(".parquet"))


def _is_plain_stamp(text):
    return bool(re.fullmatch(r"[0-9: -]{19}\.[0-9]{3}", text or ""))


def write_csv(path, names, records):
    with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)


def write_json_lines(path, names, records):
    """Whole numbers of columns with nulls as floating point, as pandas does."""
    for name in names:
        values = [record[name] for record in records]
        if {type(value) for value in values} == {int, type(None)}:
            for record in records:
                record[name] = None if record[name] is None else float(record[name])
    with path.with_suffix(".jsonl").open("w", encoding="utf-8") as handle:
        for record in records:
            handle.write(json.dumps(record, ensure_ascii=False) + "\n")


def make(
    out_dir,
    seed,
    seeds_dir=None,
    messages=3_000,
    orders=500,
    refunds=200,
    complaints=100,
    reports=25,
    pages=12,
):
    """Write one lot of nasty raw data below out_dir."""
    maker = Maker(out_dir, seed, seeds_dir, messages)
    maker.make_rosters()
    maker.plan_orders(orders)
    maker.make_messages()
    maker.make_orders()
    maker.make_refunds(refunds)
    maker.make_opinions(complaints)
    maker.close_a_mall()
    maker.lose_rows()
    maker.make_officials(reports, pages)
    maker.write()
