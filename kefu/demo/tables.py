"""The raw tables: which column holds what, table by table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kefu.demo import broken, official, texts
from kefu.demo.chats import UNKNOWN_ORDER, Chats, Messages
from kefu.demo.landing import (
    TEXT,
    UNSET_TIME,
    Files,
    Landed,
    Shares,
    buyer_uid,
    flags,
    loaded_at,
    local_text,
    money,
    padded,
    pick,
    schedule,
    stamps,
    unix,
    utc_text,
)
from kefu.demo.orders import (
    CONFIRMED,
    CREATED,
    NEVER,
    PAID,
    RECEIVED,
    SHIPPED,
    Orders,
)
from kefu.demo.service import (
    CHANNELS,
    LIABILITIES,
    Complaints,
    Ratings,
    Refunds,
    Reviews,
)
from kefu.demo.world import DAY, HOUR, MINUTE, UNLISTED, World

MESSAGE_SHARES = Shares()
CATCH_UP = Shares(late=0.03, same_load=0.004, later_load=0.006, changed=0.006)
ROLES = pa.array(["user", "mall_cs", "system"])
TEMPLATES = pa.array([None, "mall_robot_text_msg", "mall_answer_with_text"], type=TEXT)
REPORT_COUNTS = (
    *("consult_buyers", "inquiry_buyers", "inquiry_lost_buyers"),
    *("final_group_buyers", "need_human_buyers", "received_buyers"),
    *("late_buyers_3min", "rating_count", "low_rating_count"),
    *("dispute_refund_count", "complaint_count"),
)
REPORT_TEXTS = (
    *("period_start", "period_end", "row_type", "cs_account", "sales_amount"),
    *("net_sales_amount", "improvable_sales_amount", "avg_response_printed"),
)
REPORT_NUMBERS = (
    *("inquiry_conversion_rate", "reply_rate_3min", "reply_rate_3min_all_day"),
    *("reply_rate_30s", "reply_rate_30s_all_day", "low_rating_rate"),
    "avg_response_seconds",
)
# An order number of a shop elsewhere: valid to look at, unknown here.
FOREIGN_ORDER = pa.array(["250817-700000000000417"])


class Tables:
    """Lands the tables of one world, one method each."""

    def __init__(
        self,
        files: Files,
        rng: np.random.Generator,
        world: World,
        orders: Orders,
        repeats: int,
    ) -> None:
        self.files = files
        self.rng = rng
        self.world = world
        self.orders = orders
        self.repeats = repeats
        self.mall_id = pa.array(world.mall_id)
        self.agent_uid = pa.array(world.agent_uid)
        day = pc.strftime(
            pa.array(orders.stages[:, CREATED] // 1_000).cast(pa.timestamp("s")),
            format="%y%m%d",
        )
        number = pa.array(orders.number).cast(TEXT)
        self.order_sn = pc.binary_join_element_wise(day, number, "-")
        self._goods_start = np.cumsum(
            [0] + [len(one[2]) for one in world.categories[:-1]]
        )
        self._goods_count = np.array([len(one[2]) for one in world.categories])
        self.products = [name for one in world.categories for name in one[2]]

    # Steps that every table shares.

    def _loads(self, landed: Landed) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Each load day that has rows: (day, records, changed flags)."""
        for day in range(self.world.days):
            rows = slice(landed.bounds[day], landed.bounds[day + 1])
            if rows.start < rows.stop:
                yield day, landed.record[rows], landed.is_changed[rows]

    def _book(
        self, table: str, day: int, record: np.ndarray, zoned: bool = False
    ) -> dict[str, pa.Array]:
        """The columns that say when and from where a row was loaded."""
        source = pa.array([self.files.source_file(table, day)])
        at = loaded_at(self.world, np.full(len(record), day), record)
        return {
            "_loaded_at": stamps(at, zoned),
            "_source_file": source.take(pa.array(np.zeros(len(record), np.int64))),
        }

    def _odd_rows(self, table: str, zoned: bool = False) -> None:
        """Land the rows that were keyed in by hand, broken ones included."""
        for day, rows in sorted(broken.rows(self.world, table, self.repeats).items()):
            self.files.typed_by_hand(table, day, rows, zoned)

    def _order_text(self, order: np.ndarray) -> pa.Array:
        """order_sn of order indexes: null at -1, a stranger's at -2."""
        known = pick(self.order_sn, order)
        strange = order == UNKNOWN_ORDER
        if not strange.any():
            return known
        return pc.if_else(pa.array(strange), FOREIGN_ORDER[0], known)

    def _product(self, mall: np.ndarray, order: np.ndarray, draw: np.ndarray):
        """The product meant: the order's, else any of the shop's."""
        category = self.world.mall_category[mall]
        goods = draw % self._goods_count[category]
        if len(self.orders):
            goods = np.where(order >= 0, self.orders.goods[np.maximum(order, 0)], goods)
        return self._goods_start[category] + goods

    # The tables.

    def messages(self, chats: Chats, messages: Messages) -> None:
        """Land the messages; texts are written load by load."""
        writer = texts.Writer(self.products)
        codes = pa.array(texts.UPSTREAM_CODES)
        landed = schedule(self.rng, self.world, messages.at, MESSAGE_SHARES)
        for day, record, is_changed in self._loads(landed):
            some = messages.take(record)
            mall, order = chats.mall[some.chat], chats.order[some.chat]
            content = writer.write(
                some.group,
                some.text_seed + is_changed,
                self._product(mall, order, (some.text_seed >> 50) & 0x3FF),
                pick(self.order_sn, order),
                some.role == 0,
            )
            picture = pa.array(some.type == 1)
            content = pc.if_else(picture, "[图片]", content)
            emoji = pa.array(texts.EMOJI).take(
                pa.array((some.text_seed & 0xFFFF) % len(texts.EMOJI))
            )
            content = pc.if_else(pa.array(some.type == 5), emoji, content)
            need_reply = np.where(
                is_changed & (some.role == 0), some.need_reply != 1, some.need_reply
            )
            in_ms = mall % 4 != 1
            at = unix(some.at, True).to_numpy()
            self.files.parquet(
                "messages",
                day,
                {
                    "mall_id": padded(pick(self.mall_id, mall), record, 1_000),
                    "msg_id": pa.array(
                        1_760_000_000_003 + record * 11 + record * 7_919 % 10
                    ).cast(TEXT),
                    "buyer_uid": padded(
                        buyer_uid(chats.buyer[some.chat]), record + 1, 700
                    ),
                    "from_role": pick(ROLES, some.role),
                    "cs_uid": pick(self.agent_uid, some.agent),
                    "assigned_cs_uid": pick(self.agent_uid, some.assigned),
                    "type": pa.array(some.type.astype(np.int32), mask=some.type < 0),
                    "template_name": pick(TEMPLATES, some.template),
                    "content": content,
                    "ts": pa.array(np.where(in_ms, at, at // 1_000)),
                    "need_reply": flags(need_reply),
                    "is_spam": flags(some.is_spam),
                    "order_sn": padded(self._order_text(some.order), record, 60),
                    "problem_code": pick(codes, some.problem_code),
                    **self._book("messages", day, record),
                },
            )
        self._odd_rows("messages")

    def order_versions(self, refunded: np.ndarray, asked: np.ndarray) -> None:
        """Land each order once for every day on which something changed.

        refunded, asked: shape (orders,), local ms of the refund and of the
        first request for one, NEVER if none.
        """
        orders = self.orders
        times = np.concatenate([orders.stages, refunded[:, None]], axis=1)
        times = np.where(times <= self.world.last_load, times, NEVER)
        day = self.world.day_index(times)
        newest = times < NEVER
        for stage in range(times.shape[1]):
            for other in range(times.shape[1]):
                if other == stage:
                    continue
                after = times[:, other] > times[:, stage]
                if other > stage:
                    after |= times[:, other] == times[:, stage]
                same_day = (day[:, other] == day[:, stage]) & (times[:, other] < NEVER)
                newest[:, stage] &= ~(after & same_day)
        order, stage = np.nonzero(newest)
        updated = times[order, stage]
        landed = schedule(self.rng, self.world, updated, CATCH_UP)
        for load, record, is_changed in self._loads(landed):
            self._order_load(
                load, record, is_changed, order[record], updated[record], times, asked
            )
        self._odd_rows("orders", zoned=True)

    def _order_load(
        self,
        load: int,
        record: np.ndarray,
        is_changed: np.ndarray,
        order: np.ndarray,
        updated: np.ndarray,
        times: np.ndarray,
        asked: np.ndarray,
    ) -> None:
        """Write the order versions of one load as they stood at `updated`."""
        orders = self.orders
        seen = np.where(times[order] <= updated[:, None], times[order], NEVER)

        def reached(stage: int) -> pa.Array:
            text = local_text(seen[:, stage], NEVER)
            zeros = pa.array((seen[:, stage] == NEVER) & (order % 3 == 0))
            return pc.if_else(zeros, UNSET_TIME, text)

        is_grouped = seen[:, CONFIRMED] < NEVER
        failed = orders.is_failed_group[order] & (seen[:, PAID] < NEVER)
        cancelled = is_grouped & orders.is_cancelled[order]
        is_refunded = seen[:, 5] < NEVER
        is_asked = asked[order] <= updated
        review = orders.is_under_review[order] & is_grouped
        # Half of the reviews end well once the goods are on their way.
        review &= (order % 2 == 0) | (seen[:, SHIPPED] == NEVER)
        status = 1 + (seen[:, SHIPPED] < NEVER) + (seen[:, RECEIVED] < NEVER)
        goods = self.world.mall_category[orders.mall[order]] * 100 + orders.goods[order]
        lottery = orders.is_lottery[order]
        self.files.parquet(
            "orders",
            load,
            {
                "mall_id": pick(self.mall_id, orders.mall[order]),
                "order_sn": padded(pick(self.order_sn, order), record, 80),
                "buyer_uid": pc.if_else(
                    pa.array(orders.has_no_buyer[order]),
                    pa.scalar(None, TEXT),
                    padded(buyer_uid(orders.buyer[order]), record, 300),
                ),
                "created_time": local_text(seen[:, CREATED]),
                "pay_time": reached(PAID),
                "confirm_time": reached(CONFIRMED),
                "shipping_time": reached(SHIPPED),
                "receive_time": reached(RECEIVED),
                "updated_at": local_text(updated),
                "order_status": pa.array(status.astype(np.int32)),
                "group_status": pa.array(
                    np.where(is_grouped, 1, np.where(failed, 2, 0)).astype(np.int32)
                ),
                "confirm_status": pa.array(
                    np.where(cancelled, 2, is_grouped).astype(np.int32)
                ),
                "refund_status": pa.array(
                    np.where(is_refunded, 4, np.where(is_asked, 2, 1)).astype(np.int32)
                ),
                "after_sales_status": pa.array(
                    np.where(is_refunded, 10, np.where(is_asked, 2, 0)).astype(
                        np.int32
                    ),
                    mask=order % 5 == 0,
                ),
                "risk_control_status": pa.array(
                    review.astype(np.int32), mask=~review & (order % 4 == 0)
                ),
                "is_lucky_flag": pa.array(
                    np.where(lottery, 2, 1).astype(np.int32),
                    mask=~lottery & (order % 2 == 0),
                ),
                "goods_id": pa.array(
                    600_100_000 + orders.mall[order] * 10_000 + goods
                ).cast(TEXT),
                "goods_count": pa.array(orders.count[order]),
                "goods_amount": pa.array(
                    orders.price[order] * orders.count[order] / 100
                ),
                "discount_amount": pc.if_else(
                    pa.array(is_changed),
                    pa.scalar(None, TEXT),
                    money(orders.discount[order]),
                ),
                "postage": money(orders.postage[order]),
                "pay_amount": money(orders.pay_amount[order]),
                **self._book("orders", load, record, zoned=True),
            },
        )

    def refunds(self, made: Refunds) -> None:
        """Land each refund request once for every status that it went through."""
        request, step = np.nonzero((made.status >= 0) & (made.time < NEVER))
        at = made.time[request, step]
        status = made.status[request, step]
        landed = schedule(self.rng, self.world, at, CATCH_UP)
        reasons = pa.array(texts.REFUND_REASONS)
        codes = pa.array(texts.UPSTREAM_CODES)
        liabilities = pa.array(LIABILITIES)
        received = np.full(len(made), NEVER)
        known = made.order >= 0
        received[known] = self.orders.stages[made.order[known], RECEIVED]
        for day, record, is_changed in self._loads(landed):
            one, now = request[record], at[record]
            state = status[record]
            with_platform = made.has_platform[one] & np.isin(state, (8, 9, 10))
            is_closed = np.isin(state, (8, 9, 10, 11))
            judged = np.where(is_closed, made.liability[one], -1)
            judged = np.where(is_changed & (judged < 0), 0, judged)
            in_ms = day % 9 == 4
            order = np.where(made.order[one] >= 0, made.order[one], UNKNOWN_ORDER)
            gives = made.gives_success_time[one] & (state == 10)
            recreated = made.recreated[one]
            self.files.parquet(
                "refunds",
                day,
                {
                    "mall_id": pick(self.mall_id, made.mall[one]),
                    "id": pa.array(30_000_000_011 + one * 13).cast(TEXT),
                    "order_sn": padded(self._order_text(order), record, 50),
                    "buyer_uid": pc.if_else(
                        pa.array(made.names_buyer[one]),
                        buyer_uid(made.buyer[one]),
                        pa.scalar(None, TEXT),
                    ),
                    "after_sales_type": pa.array(made.type[one].astype(np.int32)),
                    "after_sales_status": pa.array(state.astype(np.int32)),
                    "after_sale_reason": pick(reasons, made.reason[one]),
                    "problem_code": pick(codes, made.problem_code[one]),
                    "created_time": unix(made.time[one, 0], in_ms),
                    "recreated_at": unix(
                        recreated, in_ms, (recreated < 0) | (recreated > now)
                    ),
                    "updated_time": unix(now, in_ms),
                    "refund_success_time": unix(now, in_ms, ~gives),
                    "refund_amount": money(made.amount[one]),
                    "dispute_refund_status": pa.array(
                        (made.is_dispute[one] & is_closed).astype(np.int32),
                        mask=one % 4 == 1,
                    ),
                    "join_or_not": pa.array(
                        with_platform.astype(np.int32),
                        mask=~with_platform & (one % 3 == 0),
                    ),
                    "liability": pick(liabilities, judged),
                    "sign_time": unix(received[one], in_ms, received[one] > now),
                    **self._book("refunds", day, record),
                },
            )
        self._odd_rows("refunds")

    def complaints(self, made: Complaints) -> None:
        """Land the complaints as JSON lines."""
        landed = schedule(self.rng, self.world, made.created, CATCH_UP)
        odd = broken.rows(self.world, "complaints", self.repeats, text_time=True)
        loads = {day: (record, changed) for day, record, changed in self._loads(landed)}
        for day in sorted(set(loads) | set(odd)):
            rows = []
            if day in loads:
                record, is_changed = loads[day]
                rows = self._complaint_rows(made, day, record, is_changed)
            self.files.json_lines("complaints", day, rows + odd.get(day, []))

    def _complaint_rows(
        self, made: Complaints, day: int, record: np.ndarray, is_changed: np.ndarray
    ) -> list[dict]:
        orders = self._order_text(made.order[record]).to_pylist()
        buyers = buyer_uid(made.buyer[record]).to_pylist()
        created = unix(made.created[record], False).to_pylist()
        loads = loaded_at(self.world, np.full(len(record), day), record)
        rows = []
        for place, one in enumerate(record):
            valid = made.is_valid[one]
            liability, code = made.liability[one], made.problem_code[one]
            agent = made.agent[one]
            rows.append(
                {
                    "complaint_id": f"TS{10_000_000 + int(one)}",
                    "mall_id": str(self.world.mall_id[made.mall[one]]),
                    "buyer_uid": buyers[place],
                    "order_sn": orders[place],
                    "cs_uid": str(self.world.agent_uid[agent]) if agent >= 0 else None,
                    "channel": CHANNELS[made.channel[one]],
                    "problem_code": texts.UPSTREAM_CODES[code] if code >= 0 else None,
                    "created_time": created[place],
                    # A changed row is the verdict that came later.
                    "is_valid": False
                    if is_changed[place]
                    else (None if valid < 0 else bool(valid)),
                    "liability": LIABILITIES[liability] if liability >= 0 else None,
                    "_loaded_at": utc_text(loads[place]),
                    "_source_file": self.files.source_file("complaints", day),
                }
            )
        return rows

    def ratings(self, made: Ratings) -> None:
        """Land the ratings."""
        landed = schedule(self.rng, self.world, made.created, CATCH_UP)
        for day, record, is_changed in self._loads(landed):
            score = np.where(is_changed, np.minimum(made.score[record] + 1, 5), 0)
            score = np.where(is_changed, score, made.score[record])
            self.files.parquet(
                "ratings",
                day,
                {
                    "rating_id": pa.array(
                        pc.binary_join_element_wise(
                            "R", pa.array(20_000_000 + record).cast(TEXT), ""
                        )
                    ),
                    "mall_id": pick(self.mall_id, made.mall[record]),
                    "buyer_uid": buyer_uid(made.buyer[record]),
                    "cs_uid": pick(self.agent_uid, made.agent[record]),
                    "order_sn": self._order_text(made.order[record]),
                    "score": pa.array(score.astype(np.int32)),
                    "created_time": unix(made.created[record], False),
                    **self._book("ratings", day, record),
                },
            )
        self._odd_rows("ratings")

    def quality_reviews(self, made: Reviews) -> None:
        """Land the quality reviews, two days after the service."""
        looked_at = np.minimum(made.served + 2 * DAY, self.world.last_load)
        landed = schedule(self.rng, self.world, looked_at, CATCH_UP)
        items = ("problem_solving", "communication", "professionalism", "after_sales")
        for day, record, is_changed in self._loads(landed):
            served = pa.array((made.served[record] // DAY).astype(np.int32))
            scores = made.scores[record].copy()
            scores[:, 0] = np.where(is_changed, 10, scores[:, 0])
            self.files.parquet(
                "quality_reviews",
                day,
                {
                    "review_id": pc.binary_join_element_wise(
                        "QC", pa.array(7_000_000 + record).cast(TEXT), ""
                    ),
                    "mall_id": pick(self.mall_id, made.mall[record]),
                    "cs_uid": pick(self.agent_uid, made.agent[record]),
                    "buyer_uid": buyer_uid(made.buyer[record]),
                    "service_date": served.cast(pa.date32()),
                    **{
                        item: pa.array(scores[:, place] / 2, mask=scores[:, place] < 0)
                        for place, item in enumerate(items)
                    },
                    **self._book("quality_reviews", day, record),
                },
            )
        self._odd_rows("quality_reviews")

    def malls(self) -> None:
        """Land the shops as CSV: all at first, some again with a new name."""
        world = self.world
        odd = broken.rows(world, "malls", self.repeats, text_time=True)
        listed = np.flatnonzero(world.mall_kind != UNLISTED)
        loads: dict[int, list[dict]] = {day: list(rows) for day, rows in odd.items()}
        opened = self.rng.integers(200, 3_000, world.malls)
        renamed = set(listed[3::7].tolist())
        again = min(world.days - 1, 12)
        for mall in listed.tolist():
            day = world.first_day - dt.timedelta(days=int(opened[mall]))
            row = {
                "mall_id": str(world.mall_id[mall]),
                "mall_name": world.mall_name[mall],
                "merchant_type": int(world.mall_merchant_type[mall]),
                "category_name": world.categories[world.mall_category[mall]][0],
                "opened_on": day.isoformat(),
            }
            self._add(loads, "malls", 0, mall, row, first=True)
            if mall in renamed:
                new = {**row, "mall_name": row["mall_name"].replace("店", "店铺")}
                self._add(loads, "malls", again, mall, new)
            elif mall % 6 == 5:
                self._add(loads, "malls", again, mall, row)
        for day, rows in sorted(loads.items()):
            self.files.csv("malls", day, rows)

    def _add(
        self,
        loads: dict[int, list[dict]],
        table: str,
        day: int,
        record: int,
        row: dict,
        first: bool = False,
    ) -> None:
        """Put a row, with its load's time, before or after a load's others."""
        at = loaded_at(self.world, np.array([day]), np.array([record]))[0]
        whole = {
            **row,
            "_loaded_at": utc_text(at),
            "_source_file": self.files.source_file(table, day),
        }
        rows = loads.setdefault(day, [])
        rows.insert(0, whole) if first else rows.append(whole)

    def agents(self) -> None:
        """Land the roster as CSV.

        Besides plain rows: somebody who left and came back (two rows), an
        account that was a robot before a person took it over, changed roles.
        """
        world = self.world
        odd = broken.rows(world, "agents", self.repeats, text_time=True)
        loads: dict[int, list[dict]] = {day: list(rows) for day, rows in odd.items()}
        forms = ("false", "0", "F", "no", "")
        start, middle = world.first_day, world.days // 2
        for agent in np.flatnonzero(world.agent_on_roster).tolist():
            is_robot = bool(world.agent_is_robot[agent])
            hired = start - dt.timedelta(days=30 + agent * 37 % 900)
            row = {
                "mall_id": str(world.mall_id[world.agent_mall[agent]]),
                "cs_uid": str(world.agent_uid[agent]),
                "cs_name": world.agent_name[agent],
                "agent_role": str(world.agent_role[agent]),
                "is_robot": "true" if is_robot else forms[agent % len(forms)],
                "valid_from": "" if agent % 3 == 0 else hired.isoformat(),
                "valid_to": "",
            }
            if agent % 9 == 4:
                row["cs_uid"] = f"\t{row['cs_uid']} "
            if not is_robot and agent % 17 == 8:
                left = start + dt.timedelta(days=middle // 2)
                back = start + dt.timedelta(days=middle)
                self._add(
                    loads, "agents", 0, agent, {**row, "valid_to": left.isoformat()}
                )
                row = {**row, "valid_from": back.isoformat()}
                self._add(loads, "agents", min(middle, world.days - 1), agent, row)
                continue
            if not is_robot and agent % 23 == 11:
                last = start + dt.timedelta(days=middle - 1)
                before = {**row, "is_robot": "Yes", "valid_to": last.isoformat()}
                self._add(loads, "agents", 0, agent, before)
                taken = start + dt.timedelta(days=middle)
                row = {**row, "valid_from": taken.isoformat()}
            self._add(loads, "agents", 0, agent, row)
            if agent % 8 == 3:
                self._add(
                    loads,
                    "agents",
                    min(20, world.days - 1),
                    agent,
                    {**row, "agent_role": "both"},
                )
        for day, rows in sorted(loads.items()):
            self.files.csv("agents", day, rows)

    def agent_shifts(self) -> None:
        """Land the rosters a week at a time, two days ahead."""
        world = self.world
        mall, day, slot, place = np.nonzero(world.duty >= 0)
        agent = world.duty[mall, day, slot, place]
        keep = world.agent_on_roster[agent]
        mall, day, slot, agent = mall[keep], day[keep], slot[keep], agent[keep]
        midnight = world.start + day * DAY
        begin = midnight + world.shift_bounds[mall, slot, 0]
        end = midnight + world.shift_bounds[mall, slot, 1]
        # Some help out over noon on top of their own shift.
        extra = np.flatnonzero((agent * 31 + day * 17) % 41 == 5)
        name = np.concatenate([slot, np.full(len(extra), 3)])
        begin = np.concatenate([begin, midnight[extra] + 11 * HOUR + 30 * MINUTE])
        end = np.concatenate([end, midnight[extra] + 14 * HOUR])
        agent = np.concatenate([agent, agent[extra]])
        week = np.concatenate([day, day[extra]]) // 7
        posted = world.start + np.clip(week * 7 - 2, 0, world.days - 1) * DAY
        landed = schedule(self.rng, world, posted + 12 * HOUR, Shares(late=0.0))
        names = pa.array(["早班", "晚班", "夜班", "机动班"])
        for load, record, is_changed in self._loads(landed):
            self.files.parquet(
                "agent_shifts",
                load,
                {
                    "mall_id": pick(self.mall_id, world.agent_mall[agent[record]]),
                    "cs_uid": padded(pick(self.agent_uid, agent[record]), record, 90),
                    "shift_name": pick(names, name[record]),
                    "start_at": local_text(begin[record]),
                    "end_at": local_text(end[record] - is_changed * 30 * MINUTE),
                    **self._book("agent_shifts", load, record),
                },
            )
        self._odd_rows("agent_shifts")

    def excluded_buyers(self, made: list[tuple[int, int, int, int]]) -> None:
        """Land the malicious buyers as JSON lines."""
        world = self.world
        odd = broken.rows(world, "excluded_buyers", self.repeats, text_time=True)
        loads: dict[int, list[dict]] = {day: list(rows) for day, rows in odd.items()}

        def date(day: int) -> str | None:
            if abs(day) >= 10_000:
                return None
            return (world.first_day + dt.timedelta(days=day)).isoformat()

        for number, (mall, buyer, first, last) in enumerate(made):
            row = {
                "mall_id": None if mall < 0 else str(world.mall_id[mall]),
                "buyer_uid": buyer_uid(np.array([buyer]))[0].as_py(),
                "valid_from": date(first),
                "valid_to": date(last),
            }
            day = int(np.clip(first if abs(first) < 10_000 else 0, 0, world.days - 1))
            self._add(loads, "excluded_buyers", day, number, row)
            if number % 10 == 7:
                longer = {**row, "valid_to": None}
                day = min(day + 3, world.days - 1)
                self._add(loads, "excluded_buyers", day, number, longer)
        for day, rows in sorted(loads.items()):
            self.files.json_lines("excluded_buyers", day, rows)

    def official_agent_kpi(
        self, chats: Chats, messages: Messages, ratings: Ratings
    ) -> None:
        """Land the shops' service performance reports.

        The first shop's came with a mistake at first: it is landed again.
        """
        loads: dict[int, list[dict]] = {}
        for mall, first, last, load in official.report_plan(self.world):
            shop = official.shop_of(
                self.world, mall, first, last, chats, messages, self.orders, ratings
            )
            rows = official.report(self.world, mall, shop)
            for row in rows:
                row |= {
                    "mall": mall,
                    "period_start": self.files.load_date(first).isoformat(),
                    "period_end": self.files.load_date(last).isoformat(),
                }
            again = min(load + 2, self.world.days - 1)
            if not loads and again > load:
                loads.setdefault(again, []).extend(rows)
                wrong = rows[0]["consult_buyers"] + 1
                rows = [{**rows[0], "consult_buyers": wrong}, *rows[1:]]
            loads.setdefault(load, []).extend(rows)
        for load, rows in sorted(loads.items()):
            self._report_load(load, rows)
        self._odd_rows("official_agent_kpi")

    def _report_load(self, load: int, rows: list[dict]) -> None:
        def texts_of(name: str) -> pa.Array:
            return pa.array([row.get(name) for row in rows], TEXT)

        def numbers_of(name: str, kind: pa.DataType) -> pa.Array:
            return pa.array([row.get(name) for row in rows], kind)

        columns = {name: texts_of(name) for name in REPORT_TEXTS}
        columns |= {name: numbers_of(name, pa.int64()) for name in REPORT_COUNTS}
        columns |= {name: numbers_of(name, pa.float64()) for name in REPORT_NUMBERS}
        columns["service_score"] = numbers_of("service_score", pa.float64())
        mall = np.array([row["mall"] for row in rows])
        columns["mall_id"] = pick(self.mall_id, mall)
        self._official("official_agent_kpi", load, mall, columns)

    def official_experience_score(self, refunds: Refunds, complaints: Complaints):
        """Land the values of the shops' score pages, of the last two days."""
        world = self.world
        for day in range(max(0, world.days - 2), world.days):
            found = [
                (mall, *value)
                for mall in official.shops_of(world)
                for value in official.score_page(
                    world, mall, day, self.orders, refunds, complaints
                )
            ]
            mall, measure, name, value = zip(*found, strict=True)
            date = self.files.load_date(day).isoformat()
            columns = {
                "mall_id": pick(self.mall_id, np.array(mall)),
                "as_of_date": pa.array([date] * len(found), TEXT),
                "measure": pa.array(measure, TEXT),
                "name": pa.array(name, TEXT),
                "value": pa.array(value, pa.float64()),
            }
            self._official("official_experience_score", day, np.array(mall), columns)
        self._odd_rows("official_experience_score")

    def _official(
        self, table: str, load: int, mall: np.ndarray, columns: dict[str, pa.Array]
    ) -> None:
        """Write what one load holds of the platform's figures, in their order."""
        columns |= self._book(table, load, mall)
        order = broken.COLUMNS[table]
        self.files.parquet(table, load, {name: columns[name] for name in order})
