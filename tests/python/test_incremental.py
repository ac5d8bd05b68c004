"""The law: however the landings come, the tables are those of one full build."""

from __future__ import annotations

import functools
import random
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from conftest import land, settings_of, text_row
from hypothesis import given
from hypothesis import strategies as st
from incremental_project import Ended, IncrementalProject, Warehouse
from raw_strategies import CONTRACT, Layout, Lot, layouts, lots, write
from test_fuzz import VARS, check_same, published, tries

MOST_RUNS = 15
EMPTY = "load_date=2000-01-01/none.csv"
# Loads of the far future make every table of days millions of rows long, and are
# refused by the audit: here they would only cost time.
FAR = re.compile("9999-12-31|253402271999999|99999999999")


@dataclass(frozen=True)
class Delivery:
    """How a lot's files come: the seed decides which file comes with which run."""

    seed: int
    runs: int
    failures: tuple[int, ...]
    """After how many models a run ends, once each, spread over the runs."""
    taken_back: int
    """How many files come, and go again before the last run."""
    rewritten: int
    """How many files come with another file's content first."""


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    """Draw a delivery."""
    return Delivery(
        seed=draw(st.integers(0, 99)),
        runs=draw(st.integers(2, MOST_RUNS)),
        failures=tuple(draw(st.lists(st.integers(1, 120), max_size=3))),
        taken_back=draw(st.integers(0, 2)),
        rewritten=draw(st.integers(0, 1)),
    )


@functools.cache
def the_project() -> IncrementalProject:
    """Return the project, compiled once in this process."""
    with tempfile.TemporaryDirectory(prefix="kefu-incremental-") as home:
        return IncrementalProject.compile(Path(home), VARS)


@functools.cache
def seeded() -> duckdb.DuckDBPyConnection:
    """Return one database for all examples; each starts from nothing in it."""
    with tempfile.TemporaryDirectory(prefix="kefu-incremental-") as folder:
        connection = duckdb.connect(config={"threads": 1})
        the_project().full.prepare(connection, settings_of(Path(folder)))
        return connection


@functools.cache
def rebuilt() -> duckdb.DuckDBPyConnection:
    """Return another, for the full builds."""
    return seeded.__wrapped__()


def in_full(root: Path) -> dict:
    """Return the published tables of one full build over all that is landed."""
    Warehouse(the_project(), settings_of(root), rebuilt()).run()
    return published(rebuilt())


def deliver(plan: Delivery, everything: Path, root: Path) -> list[list]:
    """Return for each run what is done to the landings before it: file pairs.

    A pair of source and target copies; one whose source is None removes.
    """
    chance = random.Random(plan.seed)
    files = sorted(path for path in everything.rglob("*") if path.is_file())
    steps: list[list] = [[] for _ in range(plan.runs)]
    for path in files:
        target = root / path.relative_to(everything)
        steps[chance.randrange(plan.runs)].append((path, target))
    for number in range(plan.taken_back):
        path = chance.choice(files)
        table = path.relative_to(everything).parts[0]
        target = root / table / "load_date=2026-03-03" / f"again-{number}-{path.name}"
        came, went = sorted(chance.sample(range(plan.runs), 2))
        steps[came].append((path, target))
        steps[went].append((None, target))
    for _ in range(plan.rewritten):
        path = chance.choice(files)
        table = path.relative_to(everything).parts[0]
        alike = [
            other
            for other in files
            if other.relative_to(everything).parts[0] == table
            and other.suffixes == path.suffixes
        ]
        target = root / table / "load_date=2026-03-04" / path.name
        came, changed = sorted(chance.sample(range(plan.runs), 2))
        steps[came].append((chance.choice(alike), target))
        steps[changed].append((path, target))
    return steps


def check_law(lot: Lot, layout: Layout, plan: Delivery) -> None:
    """Deliver a lot in several runs; compare with one build of all of it."""
    lot = {
        table: [row for row in landed if not FAR.search(row.get("_loaded_at", ""))]
        for table, landed in lot.items()
    }
    with tempfile.TemporaryDirectory(prefix="kefu-law-") as folder:
        everything, root = Path(folder) / "all", Path(folder) / "raw"
        write(everything, lot, layout)
        for table in ("messages", "orders"):
            file = root / table / EMPTY
            file.parent.mkdir(parents=True)
            header = ",".join(CONTRACT[table].columns)
            file.write_text(header + "\n", encoding="utf-8")
        warehouse = Warehouse(the_project(), settings_of(root), seeded())
        chance = random.Random(plan.seed)
        failing = {chance.randrange(plan.runs): after for after in plan.failures}
        for number, step in enumerate(deliver(plan, everything, root)):
            for source, target in step:
                if source is None:
                    target.unlink()
                else:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, target)
            try:
                warehouse.run(failing.get(number))
            except Ended:
                continue
        if plan.runs - 1 in failing:
            warehouse.run()
        found = published(seeded())
        check_same(found, in_full(root))


@tries(8)
@given(lot=lots(has_gap=False), layout=layouts(), plan=deliveries())
def test_runs_add_up_to_one_full_build(
    lot: Lot, layout: Layout, plan: Delivery
) -> None:
    """Splits, delays, repeats, failures: the same rows in every published table."""
    check_law(lot, layout, plan)


@pytest.mark.long
@tries(200)
@given(lot=lots(), layout=layouts(), plan=deliveries())
def test_runs_add_up_to_one_full_build_long(
    lot: Lot, layout: Layout, plan: Delivery
) -> None:
    """The same, of many more."""
    check_law(lot, layout, plan)


def land_card(root: Path, day: str, **values: str) -> Path:
    """Land one message of a buyer with an order's number; return its file."""
    message = {"mall_id": "m1", "from_role": "user", "order_sn": "o1"}
    loaded = {"_loaded_at": f"{day} 20:00:00", "ts": "2026-03-10 09:00:00"}
    row = text_row("messages", **message | loaded | values)
    return land(root, "messages", [row], f"{values['msg_id']}.parquet", day)


def test_a_late_message_finds_the_buyer_of_an_old_order(tmp_path: Path) -> None:
    """Who named an order decides whose it is, whenever that becomes known."""
    deal = {
        "mall_id": "m1",
        "order_sn": "o1",
        "created_time": "2026-03-10 10:00:00",
        "pay_time": "2026-03-10 10:01:00",
        "confirm_time": "2026-03-10 10:02:00",
        "updated_at": "2026-03-10 10:02:00",
        "group_status": "1",
        "confirm_status": "1",
        "goods_count": "1",
        "pay_amount": "9.90",
        "_loaded_at": "2026-03-10 20:00:00",
    }
    refund = {
        "mall_id": "m1",
        "id": "r1",
        "order_sn": "o1",
        "created_time": "2026-03-12 10:00:00",
        "updated_time": "2026-03-12 10:00:00",
        "after_sales_status": "2",
        "refund_amount": "9.90",
        "_loaded_at": "2026-03-12 20:00:00",
    }
    reply = {"msg_id": "reply", "buyer_uid": "b1", "from_role": "mall_cs"}
    reply |= {"cs_uid": "a1", "ts": "2026-03-10 09:30:00", "order_sn": ""}
    root = tmp_path / "raw"
    land(root, "orders", [text_row("orders", **deal)], "o.parquet", "2026-03-10")
    land(root, "refunds", [text_row("refunds", **refund)], "r.parquet", "2026-03-12")
    land_card(root, "2026-03-10", **reply)
    warehouse = Warehouse(the_project(), settings_of(root), seeded())
    owner = "select buyer_key, attributed_cs_uid from marts.fct_orders"

    def after_a_run() -> tuple:
        warehouse.run()
        found = published(seeded())
        check_same(found, in_full(root))
        return seeded().execute(owner).fetchone()

    assert after_a_run() == (None, None)
    card = land_card(root, "2026-03-20", msg_id="card", buyer_uid="b1")
    first, agent = after_a_run()
    assert first is not None and agent == "a1"
    other = land_card(root, "2026-03-21", msg_id="other", buyer_uid="b2")
    assert after_a_run() == (None, None)
    # The message is landed again, without the number: one buyer is left.
    land_card(root, "2026-03-22", msg_id="other", buyer_uid="b2", order_sn="")
    assert after_a_run() == (first, "a1")
    card.unlink()
    assert after_a_run() == (None, None)
    land_card(root, "2026-03-23", msg_id="third", buyer_uid="b2")
    second, agent = after_a_run()
    assert second not in (None, first) and agent is None
    other.unlink()
    assert after_a_run() == (second, None)


def test_a_refund_that_another_key_touches_keeps_its_order(tmp_path: Path) -> None:
    """An older version ties the refund to a buyer and an order that it left.

    Whatever comes of these recomputes the refund, and its order is none of what
    came.
    """
    root = tmp_path / "raw"
    land(root, "messages", [], "none.csv", "2026-03-10")
    deal = {"mall_id": "m1", "updated_at": "2026-03-10 10:00:00"}
    deal |= {"created_time": "2026-03-10 10:00:00", "goods_count": "1"}
    deal |= {"pay_amount": "9.90", "_loaded_at": "2026-03-10 20:00:00"}
    orders = [
        text_row("orders", order_sn=order, buyer_uid=buyer, **deal)
        for order, buyer in (("now", "b2"), ("before", "b3"))
    ]
    land(root, "orders", orders, "o.parquet", "2026-03-10")
    refund = {"mall_id": "m1", "id": "r1", "created_time": "2026-03-12 10:00:00"}
    refund |= {"after_sales_status": "2", "refund_amount": "9.90"}
    versions = [
        text_row("refunds", **refund, **version, updated_time=f"{day} 11:00:00")
        | {"_loaded_at": f"{day} 20:00:00"}
        for day, version in (
            ("2026-03-12", {"order_sn": "before", "buyer_uid": "b1"}),
            ("2026-03-13", {"order_sn": "now"}),
        )
    ]
    land(root, "refunds", versions, "r.parquet", "2026-03-13")
    warehouse = Warehouse(the_project(), settings_of(root), seeded())

    def buyer_after_a_run() -> str | None:
        warehouse.run()
        found = published(seeded())
        check_same(found, in_full(root))
        return seeded().execute("select buyer_key from marts.fct_refunds").fetchone()[0]

    buyer = buyer_after_a_run()
    assert buyer is not None
    chat = {"msg_id": "1", "buyer_uid": "b1", "order_sn": ""}
    land_card(root, "2026-03-14", **chat)
    assert buyer_after_a_run() == buyer
    later = deal | {"updated_at": "2026-03-15 10:00:00"}
    row = text_row("orders", order_sn="before", buyer_uid="b3", **later)
    land(root, "orders", [row], "o.parquet", "2026-03-15")
    assert buyer_after_a_run() == buyer


def test_a_buyer_and_an_order_of_one_number_are_two(tmp_path: Path) -> None:
    """A new version of the order's refund leaves the buyer's visits alone."""
    root = tmp_path / "raw"
    land(root, "orders", [], "none.csv", "2026-03-10")
    land_card(root, "2026-03-10", msg_id="1", buyer_uid="same", order_sn="")
    refund = {"mall_id": "m1", "id": "r1", "order_sn": "same", "join_or_not": "1"}
    refund |= {"created_time": "2026-03-10 10:00:00"}
    warehouse = Warehouse(the_project(), settings_of(root), seeded())
    for day, status in (("2026-03-11", "3"), ("2026-03-12", "5")):
        moment = {"updated_time": f"{day} 10:00:00", "_loaded_at": f"{day} 20:00:00"}
        row = text_row("refunds", after_sales_status=status, **refund, **moment)
        land(root, "refunds", [row], f"{day}.parquet", day)
        warehouse.run()
        found = published(seeded())
        check_same(found, in_full(root))
    visits = "select count(*) from intermediate.int_distinct_visits"
    # The buyer's for the mall, and the order's.
    assert seeded().execute(visits).fetchone() == (2,)


def test_what_reaches_over_midnight_is_computed_anew(tmp_path: Path) -> None:
    """A reply and a round of one day hang on messages of others, near and far."""
    root = tmp_path / "raw"
    land(root, "orders", [], "none.csv", "2026-03-01")
    warehouse = Warehouse(the_project(), settings_of(root), seeded())

    def say(name: str, time: str, cs_uid: str | None = None) -> Path:
        role = {"from_role": "mall_cs", "cs_uid": cs_uid} if cs_uid else {}
        row = {"msg_id": name, "buyer_uid": "b1", "ts": time, "order_sn": ""}
        return land_card(root, "2026-03-21", **row, **role)

    def roster(shift: str) -> None:
        hours = {"start_at": "2026-03-10 20:00:00", "end_at": "2026-03-11 04:00:00"}
        row = {"mall_id": "m1", "cs_uid": "ann", "shift_name": shift} | hours
        rows = [text_row("agent_shifts", **row)]
        land(root, "agent_shifts", rows, "s.parquet", "2026-03-10")

    def after_a_run(asked: str) -> tuple:
        warehouse.run()
        found = published(seeded())
        check_same(found, in_full(root))
        query = f"""
            select responsible_cs_uid, response_seconds, shift_name, is_round_start
            from marts.fct_buyer_messages where msg_id = '{asked}'
        """
        return seeded().execute(query).fetchone()

    say("asked", "2026-03-10 23:50:00")
    assert after_a_run("asked") == (None, None, "晚班", True)
    say("again", "2026-03-20 09:00:00")
    assert after_a_run("again") == (None, None, "早班", False)
    answer = say("answer", "2026-03-11 00:10:00", "ann")
    assert after_a_run("asked") == ("ann", 1200, "晚班", True)
    assert after_a_run("again") == (None, None, "早班", True)
    roster("夜班")
    assert after_a_run("asked") == ("ann", 1200, "夜班", True)
    answer.unlink()
    assert after_a_run("asked") == (None, None, "晚班", True)
    assert after_a_run("again") == (None, None, "早班", False)
    # A run ends between the two tables of days, and between days and messages.
    models = list(the_project().full.models)
    for name in ("int_buyer_days", "int_buyer_days_linked"):
        answer = say("answer", "2026-03-11 00:10:00", "ann")
        with pytest.raises(Ended):
            warehouse.run(models.index(name) + 1)
        assert after_a_run("asked") == ("ann", 1200, "夜班", True)
        answer.unlink()
        assert after_a_run("again") == (None, None, "早班", False)


def test_rows_that_stand_twice_are_put_right_by_what_touches_them(
    tmp_path: Path,
) -> None:
    """Of equal rows the comparison knows all places, and leaves what there are."""
    root = tmp_path / "raw"
    land(root, "orders", [], "none.csv", "2026-03-10")
    land_card(root, "2026-03-10", msg_id="1", buyer_uid="b1", order_sn="")
    warehouse = Warehouse(the_project(), settings_of(root), seeded())
    warehouse.run()
    table = "intermediate.int_messages_assessed"
    seeded().execute(f"insert into {table} from {table}")
    land_card(root, "2026-03-11", msg_id="2", buyer_uid="b1", order_sn="")
    warehouse.run()
    messages = f"select msg_id from {table} order by msg_id"
    assert seeded().execute(messages).fetchall() == [("1",), ("2",)]
    found = published(seeded())
    check_same(found, in_full(root))


def land_report(root: Path, load: str, **figures: str) -> None:
    """Land a report of a shop's 10 March with one agent, as exported on a day."""
    period = {"period_start": "2026-03-10", "period_end": "2026-03-10"}
    shared = {"mall_id": "m1", "_loaded_at": f"{load} 02:00:00"} | period | figures
    rows = [
        text_row("official_agent_kpi", row_type=kind, cs_account=account, **shared)
        for kind, account in (("mall_total", None), ("agent", "小美"))
    ]
    land(root, "official_agent_kpi", rows, f"{load}.parquet", load)


def test_a_late_correction_of_a_report_is_judged_anew(tmp_path: Path) -> None:
    """The report, the roster and our own rows come late, each in its own run."""
    root = tmp_path / "raw"
    land(root, "orders", [], "none.csv", "2026-03-10")
    chat = {"mall_id": "m1", "buyer_uid": "b1", "_loaded_at": "2026-03-10 20:00:00"}
    asked = text_row("messages", msg_id="1", from_role="user", **chat)
    answered = text_row(
        "messages", msg_id="2", from_role="mall_cs", cs_uid="a1", **chat
    )
    asked["ts"], answered["ts"] = "2026-03-10 09:00:00", "2026-03-10 09:00:20"
    land(root, "messages", [asked, answered], "m.parquet", "2026-03-10")
    warehouse = Warehouse(the_project(), settings_of(root), seeded())

    def after_a_run() -> list[tuple]:
        warehouse.run()
        found = published(seeded())
        check_same(found, in_full(root))
        return (
            seeded()
            .execute(
                """
                select
                    row_type, official_value, our_value, likely_cause,
                    rows_landed_later
                from marts.official_reconciliation
                where official_column = 'consult_buyers'
                order by row_type
                """
            )
            .fetchall()
        )

    assert after_a_run() == []
    land_report(root, "2026-03-11", consult_buyers="2")
    # Nobody of the roster is called so; our day is over, and nothing is late yet.
    assert after_a_run() == [
        ("agent", 2, None, "roster", 0),
        ("mall_total", 2, 1, "unexplained", 0),
    ]
    agent = text_row("agents", mall_id="m1", cs_uid="a1", cs_name="小美")
    land(root, "agents", [agent], "a.parquet", "2026-03-12")
    later = {"msg_id": "3", "from_role": "user", "ts": "2026-03-10 10:00:00"}
    later |= {"buyer_uid": "b2", "_loaded_at": "2026-03-12 20:00:00"}
    land(
        root,
        "messages",
        [text_row("messages", **chat | later)],
        "late.parquet",
        "2026-03-12",
    )
    assert after_a_run() == [
        ("agent", 2, 1, "definition", 1),
        ("mall_total", 2, 2, "equal", 1),
    ]
    land_report(root, "2026-03-14", consult_buyers="3")
    assert after_a_run() == [
        ("agent", 3, 1, "definition", 0),
        ("mall_total", 3, 2, "unexplained", 0),
    ]
    # The correction is taken back: the report stands as it was first exported.
    (root / "official_agent_kpi/load_date=2026-03-14/2026-03-14.parquet").unlink()
    assert after_a_run()[1] == ("mall_total", 2, 2, "equal", 1)
    # While no report is there more comes late; then the report does.
    (root / "official_agent_kpi/load_date=2026-03-11/2026-03-11.parquet").unlink()
    later |= {"msg_id": "4", "buyer_uid": "b3", "_loaded_at": "2026-03-13 20:00:00"}
    land(
        root,
        "messages",
        [text_row("messages", **chat | later)],
        "later.parquet",
        "2026-03-13",
    )
    assert after_a_run() == []
    land_report(root, "2026-03-11", consult_buyers="2")
    assert [row[-1] for row in after_a_run()] == [2, 2]
