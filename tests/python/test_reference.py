"""The reference computation, checked on cases small enough to do by hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import duckdb
import pyarrow
import pytest
from reference import raw
from reference.compare import compare
from reference.compute import compute
from reference.experience import half_tie_percentile
from reference.kpis import quantile
from reference.nasty_data import make

SEEDS = {
    "problems": """problem_code,module,name_zh,name_en,is_routine,is_quality
broken,goods,坏,Broken,false,true
install,goods,安装,Install,true,false
slow,logistics,慢,Slow,false,false
""",
    "problem_keywords": """priority,pattern,problem_code
2,坏,broken
1,坏.*安装,install
""",
    "refund_reasons": "reason,problem_code\n质量问题,broken\n",
    "module_weights": "position,module,weight\n1,goods,0.6\n2,logistics,0.4\n",
    "score_curve": "x,y\n0,0\n1,1\n",
    "score_tiers": "tier,min_score\nrestricted,0\nnormal,2.5\n",
    "service_score_weights": """item,weight
response_speed,1
problem_solving,1
communication,2
professionalism,1
after_sales,1
""",
    "default_shifts": """shift_name,start_time,end_time
早班,08:00:00,16:00:00
晚班,16:00:00,24:00:00
夜班,00:00:00,08:00:00
""",
    "exempt_dates": "date_day,reason\n2024-03-05,holiday\n",
    "kpi_targets": """metric,scope,target,excellent
reply_rate_3min,mall,0.5,0.9
""",
    "metrics": """metric,name_zh,name_en,unit,is_higher_better,source_mark
reply_rate_3min,三,three,ratio,true,P
consult_buyers,咨,consult,count,,P
""",
}


class Lot:
    """A few raw rows on disk; the default load is long after the events."""

    def __init__(self, root):
        self.raw, self.seeds = root / "raw", root / "seeds"
        self.raw.mkdir()
        self.seeds.mkdir()
        for name, text in SEEDS.items():
            (self.seeds / f"{name}.csv").write_text(text, encoding="utf-8")
        self.number = 0

    def land(self, table, load_date="2024-04-01", **row):
        contract = raw.CONTRACTS[table]
        row = dict.fromkeys(contract.columns) | row
        row.setdefault("_loaded_at", f"{load_date} 00:00:00")
        folder = self.raw / table / f"load_date={load_date}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "part.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")

    def say(self, role, at, buyer="b", mall="m", **more):
        """A message at a local time of 2024, such as "03-01 09:00:00"."""
        self.number += 1
        row = {"msg_id": f"{self.number:03d}", "ts": unix_ms(at)} | more
        from_role = "user" if role == "user" else "mall_cs"
        if role not in ("user", "robot"):
            row["cs_uid"] = role
        if role == "robot":
            row["template_name"] = "mall_robot_text_msg"
        self.land("messages", mall_id=mall, buyer_uid=buyer, from_role=from_role, **row)
        return row["msg_id"]

    def order(self, order_sn, confirm, buyer="b", mall="m", **more):
        row = {
            "created_time": f"2024-{confirm}",
            "pay_time": f"2024-{confirm}",
            "confirm_time": f"2024-{confirm}",
            "updated_at": f"2024-{confirm}",
            "group_status": 1,
            "confirm_status": 1,
            "goods_count": 2,
            "pay_amount": "10.00",
        } | more
        self.land("orders", mall_id=mall, order_sn=order_sn, buyer_uid=buyer, **row)

    def refund(self, number, order_sn, at, mall="m", **more):
        row = {
            "after_sales_status": 2,
            "created_time": unix_ms(at),
            "updated_time": unix_ms(at),
            "refund_amount": 1,
        } | more
        self.land("refunds", mall_id=mall, id=number, order_sn=order_sn, **row)

    def compute(self, **settings):
        settings = {"buyer_key": "key", "score_min_orders": 1, **settings}
        return compute(self.raw, self.seeds, settings)


def unix_ms(text):
    stamp = datetime.fromisoformat(f"2024-{text}")
    zone = timezone(timedelta(hours=8))
    return round(stamp.replace(tzinfo=zone).timestamp() * 1000)


def only(rows, **wanted):
    found = [row for row in rows if all(row[n] == value for n, value in wanted.items())]
    assert len(found) == 1, found
    return found[0]


@pytest.fixture
def lot(tmp_path):
    return Lot(tmp_path)


# --- raw ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-01 08:00:00", "2024-03-01 08:00:00"),
        ("1709251200", "2024-03-01 08:00:00"),
        ("1709251200001", "2024-03-01 08:00:00.001"),
        ("99999999999", "5138-11-16 17:46:39"),
        ("100000000000", "1973-03-03 17:46:40"),
        ("253402271999999", "9999-12-31 23:59:59.999"),
        ("253402272000000", None),
        ("9" * 30, None),
        ("0" * 30 + "1709251200", "2024-03-01 08:00:00"),
        ("\t2024-03-01 08:00:00 ", "2024-03-01 08:00:00"),
        ("0000-00-00 00:00:00", None),
        ("2024-02-30 00:00:00", None),
        ("soon", None),
        ("2024-03-01 08:00:00.5678", "2024-03-01 08:00:00.567"),
        ("2024-03-01T08:00:00", None),
        ("2024-03-01 08:00:00Z", None),
        ("2024-03-01 08:00:00+08:00", None),
        ("2024-03-01 24:00:00", None),
        ("2024-03-01", None),
        ("-1", None),
        ("1709251200.0", None),
    ],
)
def test_times(text, expected):
    found = raw.local_datetime(raw.to_time(text))
    assert found == (expected and datetime.fromisoformat(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-01", "2024-03-01"),
        (" 2024-03-01 13:45:00.5\t", "2024-03-01"),
        ("2024-03-01T00:00:00", None),
        ("2024-03-01 24:00:00", None),
        ("2024-03-01 00:00:00+08", None),
        ("2024-03-01 00:00", None),
        ("2024-02-30", None),
        ("20240301", None),
    ],
)
def test_dates(text, expected):
    found = raw.calendar_date(raw.to_date(text))
    assert found == (expected and date.fromisoformat(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+2", 2),
        ("-2.00", -2),
        ("2147483647", 2**31 - 1),
        ("-2147483648", -(2**31)),
        ("2147483648", None),
        ("2.", None),
        ("2.5", None),
        ("2e0", None),
        ("", None),
    ],
)
def test_integers(text, expected):
    assert raw.to_int(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("999999999999.99", "999999999999.99"),
        ("1000000000000", None),
        ("-1e12", None),
        ("1.25e2", "125.00"),
        ("0.005", "0.01"),
    ],
)
def test_money(text, expected):
    assert raw.to_money(text) == (expected and Decimal(expected))


def test_typed_times_with_a_zone_are_local_texts():
    moment = datetime(2024, 3, 1, 0, 0, 0, 500_000, tzinfo=UTC)
    assert raw.to_time(raw.as_text(moment)) == raw.to_time("2024-03-01 08:00:00.5")


def test_loaded_at_is_utc_unless_it_names_a_zone():
    naive = raw.moment_microseconds("2024-03-01 00:00:00.5")
    zoned = raw.moment_microseconds("2024-03-01 08:00:00.5+08:00")
    moment = datetime(2024, 3, 1, 0, 0, 0, 500_000, tzinfo=UTC)
    assert naive == zoned == round(moment.timestamp() * 1e6)


def test_versions_rejects_and_books(lot):
    lot.order("o1", "03-01 10:00:00", load_date="2024-03-02")
    lot.order(
        "o1", "03-01 10:00:00", load_date="2024-03-03", updated_at="2024-03-01 09:00:00"
    )
    lot.order("o1 \t", "03-01 10:00:00", load_date="2024-03-04", updated_at="bad")
    lot.order("o1", "03-01 12:00:00", load_date="2024-03-04", pay_amount="-1")
    # Two rows tie on both version columns: the larger text wins.
    lot.order("o2", "03-01 10:00:00", load_date="2024-03-02", goods_count=9)
    lot.order("o2", "03-01 10:00:00", load_date="2024-03-02", goods_count=10)
    source = raw.read_source(lot.raw, "orders")
    current = {row["order_sn"]: row for row in source.current}
    assert raw.calendar_date(current["o1"]["load_date"]) == date(2024, 3, 2)
    assert current["o2"]["goods_count"] == 9
    books = {
        str(row["load_date"]): (
            row["rows_landed"],
            row["rows_current"],
            row["rows_superseded"],
            row["rows_rejected"],
        )
        for row in source.balance
    }
    assert books == {
        "2024-03-02": (3, 2, 1, 0),
        "2024-03-03": (1, 0, 1, 0),
        "2024-03-04": (2, 0, 1, 1),
    }


def test_an_event_may_lie_one_day_after_its_load(lot):
    loaded = "2024-03-01 00:00:00"
    for name, at in (("in", "03-02 08:00:00"), ("out", "03-02 08:00:00.001")):
        lot.say("user", at, msg_id=name, _loaded_at=loaded)
    source = raw.read_source(lot.raw, "messages")
    assert [row["msg_id"] for row in source.current] == ["in"]


def test_an_attached_database_is_booked_by_loaded_at(tmp_path):
    database = tmp_path / "raw.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "create table messages as select * from (values "
            "('m', '1', 'b', 'user', null, 1709251200, "
            "timestamptz '2024-03-02 07:00:00+08'), "
            "('m', '2', 'b', 'user', null, 1709251200, null)) "
            "as rows (mall_id, msg_id, buyer_uid, from_role, cs_uid, ts, _loaded_at)"
        )
    source = raw.read_source(database, "messages")
    assert [row["msg_id"] for row in source.current] == ["1"]
    assert [
        (str(row["load_date"]), row["rows_current"], row["rows_rejected"])
        for row in source.balance
    ] == [("1970-01-01", 0, 1), ("2024-03-01", 1, 0)]
    assert raw.read_source(database, "ratings").balance == []


# --- conversations ---


def test_replies_hours_and_owners(lot):
    early = lot.say("user", "03-01 07:59:59.999")
    opening = lot.say("user", "03-01 08:00:00", assigned_cs_uid="x")
    lot.say("anna", "03-01 08:00:30")
    closing = lot.say("user", "03-01 22:59:59.999")
    night = lot.say("user", "03-01 23:00:00", assigned_cs_uid="x")
    lot.say("ben", "03-02 22:59:59.999")
    holiday = lot.say("user", "03-05 10:00:00")
    rows = {row["msg_id"]: row for row in lot.compute()["fct_buyer_messages"]}
    assert not rows[early]["is_assessed"]
    assert rows[opening]["is_assessed"]
    assert rows[opening]["response_seconds"] == 30
    assert rows[opening]["responsible_cs_uid"] == "anna"
    assert not rows[opening]["is_round_start"]
    # Exactly 24 h later still answers; the question is Anna's no more.
    assert rows[closing]["is_assessed"]
    assert rows[closing]["response_seconds"] == 86_400
    assert rows[closing]["responsible_cs_uid"] == "ben"
    assert rows[closing]["shift_name"] == "晚班"
    assert not rows[night]["is_assessed"]
    assert not rows[holiday]["is_assessed"]
    assert rows[holiday]["responsible_cs_uid"] is None


def test_unanswered_messages_belong_to_the_assigned_then_the_last_writer(lot):
    lot.land("agents", mall_id="m", cs_uid="bot", is_robot=True)
    lot.say("anna", "03-01 09:00:00")
    assigned = lot.say("user", "03-01 09:01:00", assigned_cs_uid="x")
    to_robot = lot.say("user", "03-01 09:02:00", assigned_cs_uid="bot")
    rows = {row["msg_id"]: row for row in lot.compute()["fct_buyer_messages"]}
    assert rows[assigned]["responsible_cs_uid"] == "x"
    assert rows[to_robot]["responsible_cs_uid"] == "anna"


def test_robot_only_days(lot):
    lot.say("user", "03-01 09:00:00")
    lot.say("robot", "03-01 09:00:01")
    lot.say("user", "03-02 09:00:00")
    lot.say("robot", "03-02 09:00:01")
    lot.say("user", "03-02 09:00:02")
    tables = lot.compute()
    days = {
        str(row["service_date"]): (row["is_robot_only"], row["is_assessed"])
        for row in tables["fct_consultations"]
    }
    assert days == {"2024-03-01": (True, False), "2024-03-02": (False, True)}
    assessed = lot.compute(assess_robot_only_buyers=True)["fct_consultations"]
    assert all(row["is_assessed"] for row in assessed)


def test_late_buyers_means_and_the_literal_denominator(lot):
    lot.say("user", "03-01 09:00:00", buyer="a")
    lot.say("anna", "03-01 09:03:00", buyer="a")
    lot.say("user", "03-01 10:00:00", buyer="b")
    lot.say("anna", "03-01 10:03:00.001", buyer="b")
    lot.say("user", "03-01 11:00:00", buyer="c")
    row = only(lot.compute()["mall_kpi_daily"], mall_id="m")
    assert row["assessed_consult_buyers"] == 3
    assert row["late_buyers_3min"] == 2
    assert row["late_buyers_5min"] == 1
    assert row["reply_rate_3min"] == pytest.approx(1 / 3)
    assert row["avg_response_seconds"] == pytest.approx(180.0005)
    literal = lot.compute(response_time_denominator="all")["mall_kpi_daily"]
    assert literal[0]["avg_response_seconds"] == pytest.approx(360.001 / 3)
    assert len(lot.compute()["mall_kpi_30d"]) == 30


def test_serving_runs_end_after_ten_minutes(lot):
    lot.say("anna", "03-01 09:00:00", buyer="a")
    lot.say("anna", "03-01 09:09:59.999", buyer="a")
    lot.say("anna", "03-01 09:09:59.999", buyer="b")
    lot.say("anna", "03-01 09:20:00", buyer="a")
    lot.say("anna", "03-01 09:21:00", buyer="c")
    row = only(lot.compute()["agent_kpi_daily"], cs_uid="anna")
    assert row["max_concurrent_buyers"] == 2
    assert row["consult_buyers"] == 3


def test_quantiles_interpolate():
    assert quantile([1_000, 2_000, 4_000, 8_000], Fraction(1, 2)) == 3.0
    assert quantile([1_000, 2_000], Fraction(9, 10)) == pytest.approx(1.9)
    assert quantile([], Fraction(1, 2)) is None


# --- orders ---


def test_attribution_goes_back_to_the_latest_step_that_has_a_message(lot):
    lot.say("user", "03-01 09:00:00")
    lot.say("anna", "03-01 09:01:00")
    lot.say("ben", "03-01 10:00:00")
    # Ben's words at the very moment of the order come too late for it.
    lot.order("o1", "03-02 10:00:00", created_time="2024-03-01 10:00:00")
    lot.order(
        "o2",
        "03-02 10:00:00",
        created_time="2024-03-01 09:00:30",
        pay_time="2024-03-01 09:30:00",
    )
    lot.order("o3", "03-04 10:00:00")
    tables = lot.compute()
    steps = {
        row["order_sn"]: (row["attributed_cs_uid"], row["attribution_step"])
        for row in tables["fct_orders"]
    }
    assert steps == {
        "o1": ("anna", "before_order"),
        "o2": ("anna", "before_payment"),
        "o3": (None, None),
    }
    anna = only(tables["agent_kpi_daily"], cs_uid="anna")
    assert anna["sales_amount"] == Decimal("20.00")
    assert (anna["sales_buyers"], anna["sales_units"]) == (1, 4)
    assert anna["final_group_buyers"] == anna["converted_inquiry_buyers"] == 1
    consultation = only(tables["fct_consultations"], service_date=date(2024, 3, 1))
    assert consultation["is_converted"] and consultation["is_inquiry"]


def test_a_consult_about_an_old_order_is_no_inquiry(lot):
    lot.order("o1", "03-01 10:00:00", receive_time="2024-03-03 23:00:00")
    lot.say("user", "03-18 09:00:00")
    lot.say("user", "03-19 09:00:00")
    days = {
        str(row["service_date"]): row["is_after_sales_consult"]
        for row in lot.compute()["fct_consultations"]
    }
    assert days == {"2024-03-18": True, "2024-03-19": False}


def test_refunds(lot):
    lot.order("o1", "03-01 10:00:00")
    lot.refund("r1", "o1", "03-02 10:00:00", join_or_not=1, liability="merchant")
    lot.refund("r2", "o1", "03-02 10:00:00")
    lot.refund(
        "r2",
        "o1",
        "03-02 10:00:00",
        after_sales_status=10,
        updated_time=unix_ms("03-03 10:00:00"),
        problem_code="broken",
        sign_time=unix_ms("03-03 03:59:59.999"),
    )
    lot.refund(
        "r2",
        "o1",
        "03-02 10:00:00",
        after_sales_status=10,
        updated_time=unix_ms("03-04 10:00:00"),
        problem_code="broken",
        sign_time=unix_ms("03-03 03:59:59.999"),
    )
    lot.say("anna", "03-05 10:00:00")
    tables = lot.compute()
    day = only(tables["mall_kpi_daily"], service_date=date(2024, 3, 3))
    assert day["refunded_orders"] == day["dispute_refund_orders"] == 1
    assert day["quality_refund_orders"] == 1
    assert day["avg_refund_hours"] == 24
    assert day["avg_refund_hours_autonomous"] is None
    assert day["refund_rate"] is None
    created = only(tables["mall_kpi_daily"], service_date=date(2024, 3, 2))
    assert created["platform_intervention_orders"] == 1
    assert created["after_sales_first_response_seconds"] == 72 * 3600
    window = only(tables["mall_kpi_30d"], as_of_date=date(2024, 3, 30))
    assert window["refund_rate"] == 1.0


# --- help-seeking and score ---


def test_help_requests_count_orders(lot):
    lot.order("o1", "03-01 10:00:00")
    lot.order("o2", "03-01 10:00:00", buyer="c")
    lot.say("user", "03-01 10:00:00", content="坏了")
    lot.say("user", "03-02 10:00:00", content="坏了, 怎么安装")
    lot.say("user", "03-01 09:59:59.999", order_sn="o2", buyer="c", content="坏")
    lot.refund("r1", "o1", "03-03 10:00:00", after_sale_reason="质量问题")
    lot.land(
        "complaints",
        complaint_id="c1",
        mall_id="m",
        buyer_uid="b",
        channel="complaint",
        problem_code="slow",
        created_time=unix_ms("03-16 23:59:59"),
    )
    tables = lot.compute()
    reasons = sorted(
        (row["channel"], row["problem_code"], str(row["not_counted_reason"]))
        for row in tables["fct_help_requests"]
    )
    assert reasons == [
        ("complaint", "slow", "None"),
        ("merchant_after_sales", "broken", "None"),
        ("merchant_chat", "broken", "None"),
        ("merchant_chat", "broken", "before_group"),
        ("merchant_chat", "install", "routine"),
    ]
    last = {
        row["module"]: row
        for row in tables["help_seeking_rate_30d"]
        if row["as_of_date"] == date(2024, 3, 16)
    }
    assert list(last) == ["goods", "logistics", "unknown", "all"]
    assert last["all"]["help_orders_30d"] == 1
    assert last["all"]["help_seeking_rate"] == 0.5
    assert last["goods"]["platform_help_orders_30d"] == 0
    assert last["logistics"]["help_orders_complaint"] == 1
    issue = only(
        tables["core_issues_30d"],
        as_of_date=date(2024, 3, 8),
        problem_code="broken",
    )
    assert (issue["change_7d"], issue["issue_rank"]) == (0, 1)


def test_half_tie_percentiles_average_one_half():
    values = [Fraction(1), Fraction(2), Fraction(2), Fraction(5)]
    found = [
        half_tie_percentile(mine, values[:i] + values[i + 1 :], lambda a, b: b > a)
        for i, mine in enumerate(values)
    ]
    assert found == [1, Fraction(1, 2), Fraction(1, 2), 0]
    assert half_tie_percentile(Fraction(1), [], lambda a, b: b > a) == 0.5


def test_score_of_two_malls(lot):
    for mall in ("m", "n"):
        lot.land("malls", mall_id=mall, category_name="c")
        lot.order(f"o-{mall}", "03-01 10:00:00", mall=mall)
    lot.refund("r1", "o-m", "03-01 11:00:00", problem_code="broken")
    tables = lot.compute(score_min_peers=2)
    rows = {
        row["mall_id"]: row
        for row in tables["experience_score_30d"]
        if row["as_of_date"] == date(2024, 3, 1)
    }
    # Goods: nobody asked the platform (0.5), m asked the shop: 0.7 * 0.5 + 0
    # against 0.7 * 0.5 + 0.3; logistics 0.5 for both.
    assert rows["m"]["experience_score"] == pytest.approx(0.6 * 1.75 + 0.4 * 2.5)
    assert rows["n"]["experience_score"] == pytest.approx(0.6 * 3.25 + 0.4 * 2.5)
    assert rows["m"]["score_display"] == "2.05"
    assert (rows["m"]["category_rank"], rows["n"]["category_rank"]) == (2, 1)
    assert rows["n"]["category_percentile"] == 1.0
    assert rows["m"]["costliest_module"] == "goods"
    assert (rows["m"]["score_tier"], rows["n"]["score_tier"]) == (
        "restricted",
        "normal",
    )
    later = only(
        tables["experience_score_30d"], mall_id="m", as_of_date=date(2024, 3, 8)
    )
    assert later["change_7d"] == 0.0
    few = lot.compute(score_min_orders=2)["experience_score_30d"]
    assert {row["score_display"] for row in few} == {"--"}


def test_service_score(lot):
    for number, delay in enumerate((60, 330, 600)):
        buyer = f"b{number}"
        lot.say("user", "03-01 09:00:00", buyer=buyer)
        at = datetime(2024, 3, 1, 9) + timedelta(seconds=delay)
        lot.say("anna", f"{at:%m-%d %H:%M:%S}", buyer=buyer)
    lot.land(
        "quality_reviews",
        review_id="q1",
        mall_id="m",
        cs_uid="anna",
        service_date="2024-03-01",
        communication=8,
    )
    row = lot.compute(service_score_min_buyers=3)["agent_service_score_30d"][0]
    assert row["response_speed"] == 5.0
    assert row["service_score"] == pytest.approx((5 + 2 * 8) / 3)
    assert row["items_missing"] == "problem_solving,professionalism,after_sales"
    few = lot.compute(service_score_min_buyers=4)["agent_service_score_30d"][0]
    assert few["service_score"] is None


def test_benchmarks_and_targets(lot):
    for mall, delay in (("m", "09:03:00"), ("n", "09:03:01")):
        lot.land("malls", mall_id=mall, category_name="c")
        lot.say("user", "03-01 09:00:00", mall=mall)
        lot.say("anna", f"03-01 {delay}", mall=mall)
    rows = lot.compute()["mall_benchmarks_30d"]
    assert {row["metric"] for row in rows} == {"reply_rate_3min"}
    best = only(rows, mall_id="m", as_of_date=date(2024, 3, 1))
    assert (best["category_mean"], best["category_top10_mean"]) == (0.5, 1.0)
    assert (best["category_percentile"], best["gap_to_mean"]) == (1.0, 0.5)
    assert best["target_status"] == "excellent"


# --- the whole, on nasty data ---


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    root = tmp_path_factory.mktemp("nasty")
    lot = Lot(root)
    for folder, seed in (("raw", 7), ("again", 7)):
        make(
            root / folder,
            seed,
            lot.seeds,
            messages=900,
            orders=150,
            refunds=80,
            complaints=40,
        )
    settings = {"buyer_key": "k", "score_min_orders": 3, "score_min_peers": 4}
    return root, compute(root / "raw", lot.seeds, settings)


def test_the_generator_repeats_itself(nasty):
    root, tables = nasty
    settings = {"buyer_key": "k", "score_min_orders": 3, "score_min_peers": 4}
    assert compute(root / "again", root / "seeds", settings) == tables


def test_books_balance_and_sums_agree(nasty):
    _, tables = nasty
    for row in tables["data_quality_balance"]:
        parts = ("rows_current", "rows_superseded", "rows_rejected")
        assert row["rows_landed"] == sum(row[part] for part in parts)
        assert min(row[part] for part in parts) >= 0
    for column in ("sales_amount", "sales_orders", "sales_units"):
        malls = sum(row[column] for row in tables["mall_kpi_daily"])
        agents = sum(row[column] for row in tables["agent_kpi_daily"])
        assert malls == agents > 0
    for name, rows in tables.items():
        for row in rows:
            for column, value in row.items():
                is_rate = column.endswith("_rate") and "rank_" not in column
                if is_rate and value is not None:
                    assert 0 <= value <= 1, (name, row)


def test_comparison_finds_every_kind_of_difference(nasty, tmp_path):
    _, tables = nasty
    chosen = {
        name: [dict(row) for row in tables[name]]
        for name in ("fct_orders", "fct_help_requests", "mall_kpi_daily")
    }
    database = tmp_path / "published.duckdb"
    publish(database, chosen)
    assert compare(database, chosen) == []

    chosen["fct_orders"][0]["pay_amount"] = Decimal("987654.32")
    chosen["fct_help_requests"].pop()
    chosen["mall_kpi_daily"][0]["service_date"] = date(1999, 1, 1)
    found = {(d.table, d.column): d.rows for d in compare(database, chosen)}
    assert found == {
        ("fct_orders", "pay_amount"): 1,
        ("fct_help_requests", "(extra)"): 1,
        ("mall_kpi_daily", "(extra)"): 1,
        ("mall_kpi_daily", "(missing)"): 1,
    }


def publish(database, tables):
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema marts")
        for name, rows in tables.items():
            arrow = pyarrow.Table.from_pylist(rows)
            connection.register("arrow_rows", arrow)
            connection.execute(f"create table marts.{name} as select * from arrow_rows")
            connection.unregister("arrow_rows")
